// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** Keeps the figures fresh, sends test rings, and listens. */

/** Milliseconds between two looks at the figures, and before a stream that ended is opened again. */
const EVERY = 2_000;

/** What was heard and is shown. */
const MAX_HEARD = 50;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const fieldsOf = (/** @type {HTMLElement} */ form) => new FormData(/** @type {HTMLFormElement} */ (form));
const pause = () => new Promise((resolve) => setTimeout(resolve, EVERY));

/**
 * Throws with what to do where the answer is a refusal; `isFinal` where it would be the same the next time.
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function ask(path, init) {
  const response = await fetch(`/-/console/${path}`, init).catch(() => {
    throw new Error("The worker does not answer: is it running?");
  });
  if (response.ok) return response;
  const { detail, advice } = await response.json().catch(() => ({}));
  const message = [detail, advice].filter(Boolean).join(". ") || `The worker answered ${response.status}.`;
  throw Object.assign(new Error(message), { isFinal: response.status < 500 });
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 */
function say(place, text, isBad = false) {
  place.textContent = text;
  place.classList.toggle("bad", isBad);
}

/** Whoever reads a part that has not changed keeps their place in it. */
async function refresh() {
  const html = await (await ask("figures")).text();
  for (const part of new DOMParser().parseFromString(html, "text/html").body.children) {
    const place = element(part.id);
    if (place.innerHTML !== part.innerHTML) place.replaceChildren(...part.childNodes);
  }
}

async function keepFresh() {
  for (;;) {
    await pause();
    if (document.hidden) continue;
    await refresh().then(() => say(element("stale"), "", true), ({ message }) => {
      if (element("stale").textContent !== message) say(element("stale"), message, true);
    });
  }
}

/** @param {SubmitEvent} event */
async function ring(event) {
  event.preventDefault();
  const state = element("ring-state"), body = new URLSearchParams(/** @type {any} */ (fieldsOf(element("ring"))));
  try {
    await ask("ring", { method: "POST", body });
    say(state, `Committed at ${new Date().toLocaleTimeString()}: ${body.get("topic")}`);
  } catch (error) {
    say(state, /** @type {Error} */ (error).message, true);
  }
}

/** The stream that is listened to. */
let listening = new AbortController();

function stop() {
  listening.abort();
  say(element("listen-state"), "Not listening.");
}

/** @param {SubmitEvent} event */
async function listen(event) {
  event.preventDefault();
  listening.abort();
  const { signal } = listening = new AbortController();
  const match = `${fieldsOf(element("listen")).get("match")}`, state = element("listen-state");
  for (; !signal.aborted; await pause()) {
    const error = await follow(match, signal).catch((error) => error);
    if (!error || signal.aborted) continue;
    say(state, error.message, true);
    if (error.isFinal) return;
  }
}

/**
 * Shows what one stream brings, until it ends. Not by EventSource: that tells neither why it was refused, nor events of
 * a type that it was not asked for.
 * @param {string} match
 * @param {AbortSignal} signal
 */
async function follow(match, signal) {
  const { body } = await ask(`listen?${new URLSearchParams({ match })}`, { signal });
  if (!body) return;
  say(element("listen-state"), `Listening to ${match}`);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let text = "", read = await reader.read(); !read.done; read = await reader.read()) {
      const blocks = (text + read.value).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) show(block);
    }
  } catch {
    // The connection broke: it is opened again, or was ended here.
  }
}

/** @param {string} block Lines of one event; those that only keep the stream alive hold no data. */
function show(block) {
  const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) =>
    line.slice(5).replace(/^ /, "")
  );
  if (data.length === 0) return;
  const { name, rest } = read(data.join("\n")), row = document.createElement("li");
  const head = child(row, "p", "", "head");
  child(head, "strong", name);
  child(head, "span", new Date().toLocaleTimeString(), "note");
  child(row, "code", rest);
  element("heard").prepend(row);
  while (element("heard").children.length > MAX_HEARD) element("heard").lastElementChild?.remove();
}

/**
 * Of a calendar server's change its topic, and what else it says; all else as it came.
 * @param {string} data
 */
function read(data) {
  try {
    const { topic, ...rest } = JSON.parse(data);
    if (topic) return { name: `${topic}`, rest: JSON.stringify(rest) };
  } catch {
    // A Mercure publisher sends what it likes.
  }
  return { name: "An update", rest: data };
}

/**
 * @param {HTMLElement} parent
 * @param {string} tag
 * @param {string} text
 */
function child(parent, tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  parent.append(made);
  return made;
}

element("ring").addEventListener("submit", ring);
element("listen").addEventListener("submit", listen);
element("stop").addEventListener("click", stop);
void keepFresh();
