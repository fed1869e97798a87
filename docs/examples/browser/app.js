/** Hands this browser's push subscription to Carillon, keeps it alive, and shows what comes. */
const field = (id) => document.getElementById(id);
const state = field("state");

/** Carillon grants a week; renewed when less than this is left, milliseconds. */
const RENEW_BEFORE = 2 * 24 * 3600 * 1000;

/** Where the subscription is, and until when: never the token. */
const memory = {
  read: () => JSON.parse(localStorage.getItem("subscription") ?? "null"),
  write: (value) => localStorage.setItem("subscription", JSON.stringify(value)),
  forget: () => localStorage.removeItem("subscription"),
};

function say(text, isBad = false) {
  state.textContent = text;
  state.toggleAttribute("data-bad", isBad);
}

/** Runs what a button asks for; what went wrong is said with what to do about it. */
async function attempt(run) {
  const buttons = document.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    await run();
  } catch (thrown) {
    say(thrown.message, true);
  } finally {
    for (const button of buttons) button.disabled = false;
    field("leave").disabled = memory.read() === null;
  }
}

/** Answers the JSON, and undefined for what is not there any more. */
async function ask(method, url, body) {
  const headers = { authorization: `Bearer ${field("token").value.trim()}` };
  if (body) headers["content-type"] = "application/json";
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) }).catch(() => {
    throw new Error(`No answer from ${new URL(url).origin}: is Carillon running, and this page in CARILLON_ORIGINS?`);
  });
  if (response.status === 404) return undefined;
  const answer = response.status === 204 ? {} : await response.json();
  if (response.ok) return answer;
  throw new Error(`${answer.detail}. ${answer.advice}`);
}

async function subscribe() {
  if (await Notification.requestPermission() !== "granted") throw new Error("Allow notifications for this page first.");
  const url = new URL(field("url").value).origin;
  const { transports: [{ vapidPublicKey }] } = await ask("GET", `${url}/-/transports`);
  say("Asking the browser's push service …");
  const subscription = await subscribeBrowser(vapidPublicKey);
  const answer = await ask("POST", `${url}/-/subscriptions`, {
    ...subscription.toJSON(),
    topics: field("topics").value.split("\n").map((topic) => topic.trim()).filter(Boolean),
    maxDelay: Number(field("delay").value),
    minPriority: Number(field("priority").value),
  });
  remember(answer);
}

/** A browser knows its subscription by the key it was made with: another one needs a new subscription. */
async function subscribeBrowser(applicationServerKey) {
  const { pushManager } = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey };
  try {
    return await pushManager.subscribe(options);
  } catch (thrown) {
    if (thrown.name !== "InvalidStateError") throw thrown;
    await (await pushManager.getSubscription())?.unsubscribe();
    return await pushManager.subscribe(options);
  }
}

function remember({ location, expires, topics }) {
  memory.write({ location, expires });
  say(`Subscribed to ${topics.length === 1 ? "one topic" : `${topics.length} topics`} until ${show(expires)}.`);
}

/** What has ended at Carillon already, by its time or by another page, is forgotten all the same. */
async function leave() {
  await ask("DELETE", memory.read().location);
  memory.forget();
  const { pushManager } = await navigator.serviceWorker.ready;
  await (await pushManager.getSubscription())?.unsubscribe();
  say("Not subscribed.");
}

async function renew() {
  const answer = await ask("PUT", memory.read().location, {});
  if (answer) return remember(answer);
  memory.forget();
  throw new Error("The subscription has ended: subscribe again.");
}

function show(time) {
  return new Date(time).toLocaleString();
}

/** The newest on top. A push without a message says only that the subscription works. */
function list({ messages }) {
  const items = messages.length > 0 ? messages : [{ topic: "The subscription works.", timestamp: Date.now() }];
  for (const { topic, timestamp, "sync-token": token } of items) {
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.textContent = show(timestamp);
    item.append(time, document.createElement("br"), topic);
    if (token) item.title = token;
    field("changes").prepend(item);
  }
}

document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(subscribe);
});
field("leave").addEventListener("click", () => attempt(leave));
field("token").addEventListener("change", () => {
  const kept = memory.read();
  if (kept && Date.parse(kept.expires) - Date.now() < RENEW_BEFORE) attempt(renew);
});

async function begin() {
  navigator.serviceWorker.addEventListener("message", ({ data }) => list(data));
  await navigator.serviceWorker.register("sw.js").catch(() => {
    throw new Error("The service worker did not start: serve this folder over https or on localhost.");
  });
  const kept = memory.read();
  if (kept) say(`Subscribed until ${show(kept.expires)}. With a token this page renews it in time.`);
}

if ("serviceWorker" in navigator && "PushManager" in globalThis) {
  attempt(begin);
} else {
  say("This browser has no Web Push: open the page over https or on localhost, in a browser that has it.", true);
  for (const button of document.querySelectorAll("button")) button.disabled = true;
}
