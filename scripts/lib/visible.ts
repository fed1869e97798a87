/** Text of strangers on a terminal: what is invisible there could rewrite the screen or run commands. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}]/gu;

/** Writes control and format characters as JSON would. */
export function escapeHidden(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  });
}

/** The first characters of a text, escaped, with an ellipsis where more was cut off. */
export function shorten(text: string, length: number): string {
  const characters = [...text.slice(0, 2 * length + 1)];
  return escapeHidden(characters.length > length ? `${characters.slice(0, length).join("")}…` : text);
}
