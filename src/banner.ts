/** What a person sees when a worker starts: where it listens, and two commands to paste. */
const TOPIC = "https://example.com/calendars/alice/work/";

export function banner({ url, adminToken }: { url: string; adminToken: string | undefined }): string {
  const deno = "npx -y deno@2.9.6 task";
  const at = url === "http://localhost:8411" ? "" : ` --url ${url}`;
  const lines = [
    `Carillon listens on ${url}`,
    "",
    "Try it in two more terminals, in this folder (with Deno installed: deno task …):",
    `  ${deno} listen${at} ${TOPIC}`,
    `  ${deno} ring${at} ${TOPIC}`,
    ...(adminToken ? ["", `Admin token for ${url}/-/console, shown this once: ${adminToken}`] : []),
    "",
  ];
  return lines.join("\n");
}
