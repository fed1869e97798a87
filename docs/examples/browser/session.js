/**
 * Who is signed in, in all open tabs: kept in their memory alone, and gone with the last of them. Tabs of one origin ask
 * each other; what is chosen in one is so in all.
 */
export function openSession({ signedIn, chosen }) {
  const channel = new BroadcastChannel("session");
  let session;

  const hear = {
    hello: () => session && channel.postMessage({ kind: "session", session }),
    // All tabs answer a new one, and each hears all of them.
    session: (said) => {
      if (JSON.stringify(said.session) === JSON.stringify(session)) return;
      session = said.session;
      signedIn();
    },
    chosen: () => session && chosen(),
  };
  channel.onmessage = ({ data }) => hear[data.kind](data);
  channel.postMessage({ kind: "hello" });

  return {
    get: () => session,
    set(given) {
      session = given;
      channel.postMessage({ kind: "session", session });
    },
    sayChosen: () => channel.postMessage({ kind: "chosen" }),
  };
}
