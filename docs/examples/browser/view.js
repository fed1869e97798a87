/** What is shown. */
export const field = (id) => document.getElementById(id);

const MEANINGS = {
  idle: "Nothing is watched: choose below.",
  push: "Changes arrive at once.",
  poll: "The server is asked now and then.",
  offline: "No answer yet: it is tried again by itself.",
};

/** By the library's codes (docs/client.md): what the user can do. */
const ADVICE = {
  refused: "Sign in again, or with a token whose grant covers what is watched.",
  gone: "Sign in again, and choose anew.",
  not_followed: "Check the address, and CARILLON_DAV_URL.",
  no_transport: "Allow notifications for this page, or sign in with a token for the event stream.",
  unavailable: "It is tried again by itself.",
};

export function showState(state) {
  field("state").dataset.state = state;
  field("state").textContent = state;
  field("meaning").textContent = MEANINGS[state];
  // What is told again needs no advice any more.
  if (state === "push") showFault("");
}

export function showFault(text, code) {
  const sentence = text && `${text[0].toUpperCase()}${text.slice(1)}`;
  field("fault").textContent = ADVICE[code] ? `${sentence}. ${ADVICE[code]}` : sentence;
  if (code === "refused" || code === "gone") field("account").hidden = false;
}

/** Nothing can be done here. */
export function refuse(text) {
  field("account").hidden = true;
  showFault(text);
}

/** Runs what a form or a button asks for; what went wrong is said with what to do about it. */
export function attempt(run) {
  return async (event) => {
    event?.preventDefault();
    const buttons = document.querySelectorAll("button"), { activeElement } = document;
    for (const button of buttons) button.disabled = true;
    showFault("");
    await run().catch((thrown) => showFault(thrown.message));
    for (const button of buttons) button.disabled = false;
    // A button that cannot be used loses the keyboard.
    if (document.activeElement === document.body) activeElement?.focus();
  };
}

export function showCollections(collections) {
  field("choice").hidden = false;
  field("account").hidden = true;
  field("collections").replaceChildren(...collections.map(printCollection));
  field("notify").textContent = NOTIFY[globalThis.Notification?.permission ?? "denied"];
}

const NOTIFY = {
  granted: "Notifications are allowed: you are told while this page is closed, too.",
  default: "You will be asked whether this page may show notifications.",
  denied:
    "Notifications are not allowed: allow them in the browser's settings of this page to be told while it is closed.",
};

function printCollection({ url, name, kind, color, isChosen }) {
  const item = document.createElement("li"), label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), {
    type: "checkbox",
    name: "collection",
    value: url,
    checked: isChosen,
  });
  label.append(input, dot(color), name, " ", small(kind));
  item.append(label);
  return item;
}

function dot(color) {
  const span = document.createElement("span");
  span.className = "dot";
  // Servers write #rrggbbaa as well; what is no colour is left out.
  if (color) span.style.setProperty("--dot", color);
  return span;
}

function small(text) {
  return Object.assign(document.createElement("small"), { textContent: text });
}

/** The newest on top. */
export function list({ name, color, isGone, at }) {
  const item = document.createElement("li"), time = document.createElement("time");
  time.dateTime = new Date(at).toISOString();
  time.textContent = new Date(at).toLocaleString();
  item.append(dot(color), `${name} ${isGone ? "was deleted" : "has changed"}`, time);
  field("changes").prepend(item);
}
