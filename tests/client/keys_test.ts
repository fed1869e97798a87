import { importKeys, makeKeys, publicKeys } from "../../src/client/keys.ts";
import { readPushKeys } from "../../src/wire/push_keys.ts";
import { equal, ok } from "../helpers/assert.ts";
import { failsAs } from "../helpers/receiver_error.ts";

Deno.test("client keys: those that are made are taken by who sends, and are kept as JSON", async () => {
  const kept = await makeKeys(), again = JSON.parse(JSON.stringify(kept));
  const [keys, same] = [publicKeys(await importKeys(kept)), publicKeys(await importKeys(again))];
  equal(readPushKeys(keys), keys);
  equal(same, keys);
});

Deno.test("client keys: no two receivers have the same", async () => {
  const [one, two] = [await makeKeys(), await makeKeys()];
  ok(one.privateKey.d !== two.privateKey.d && one.auth !== two.auth);
});

Deno.test("client keys: what is no pair and secret is refused, and nothing of it is said", async () => {
  const { privateKey, auth } = await makeKeys(), { d: _, ...publicKey } = privateKey;
  const other = (await makeKeys()).privateKey;
  const wrong = [
    { privateKey, auth: auth.slice(1) },
    { privateKey, auth: `${auth}AA` },
    { privateKey: publicKey, auth },
    { privateKey: { ...privateKey, x: privateKey.x!.slice(2) }, auth },
    { privateKey: { ...privateKey, crv: "P-384" }, auth },
    { privateKey: { ...privateKey, x: other.x }, auth },
    { privateKey: {}, auth },
    {},
  ];
  for (const each of wrong) {
    const { message } = await failsAs("bad_keys", importKeys(each as never));
    ok(!message.includes(auth) && !message.includes(privateKey.d!), message);
  }
});
