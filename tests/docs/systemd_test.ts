/** carillon.service under a real systemd, installed as docs/deploy.md says. */
import { freePort } from "../../scripts/lib/free_port.ts";
import { equal, ok } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { documentOf } from "../helpers/document.ts";
import { eventually } from "../helpers/eventually.ts";
import { openSystemd } from "../helpers/systemd.ts";

const document = await documentOf("docs/deploy.md");

/** What opens is closed again: then it can be done. It takes root, and a kernel that lets it. */
const test = await component("systemd in namespaces", async () => {
  await using _ = await openSystemd();
  return true;
}, { isRight: true });

/** How packages are fetched here, which a service does not inherit. */
const TLS = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"].flatMap((name) => {
  const value = Deno.env.get(name);
  return value ? [`${name}=${value}`] : [];
});

const show = (name: string) => `systemctl show --value -p ${name} carillon`;

test("deploy: systemd starts the unit in its sandbox, anew after a kill, ends it, and leaves wrong settings alone", async () => {
  await using systemd = await openSystemd();
  const { run } = systemd, port = freePort(), url = `http://localhost:${port}`;
  const settings = document.textOf("env").replace("https://push.example.com", url);
  const variables = [settings.trim(), `PORT=${port}`, "DENO_TLS_CA_STORE=system", ...TLS, ""].join("\n");
  await run(`cp -L --remove-destination ${Deno.execPath()} /usr/local/bin/deno
    cd ${Deno.cwd()}
    printf %s '${variables}' > /tmp/carillon.env
    ${document.textOf("sh install").replace(" carillon.env", " /tmp/carillon.env")}
    systemctl enable --now carillon`);
  const isReady = () => fetch(`${url}/-/ready`).then((response) => response.text(), () => "");
  // The first start fetches the packages.
  await eventually("it is ready", async () => await isReady() === "ready\n", 90_000);

  const pid = await run(show("MainPID")), status = await run(`cat /proc/${pid}/status`);
  ok(/^NoNewPrivs:\s1$/m.test(status) && /^CapEff:\s0+$/m.test(status) && /^Seccomp:\s2$/m.test(status), status);
  ok(!/^Uid:\s0/m.test(status), status);
  equal(await run("stat -c %a /var/lib/private/carillon /var/lib/private/carillon/carillon.sqlite3"), "700\n600");

  await run(`kill -9 ${pid}`);
  await eventually("it was started anew", async () => await run(show("NRestarts")) === "1");
  await eventually("it is ready again", async () => await isReady() === "ready\n");
  await run("systemctl stop carillon");
  equal([await run(show("Result")), await run(show("ActiveState"))], ["success", "inactive"]);

  await run("sed -i s/^PORT=.*/PORT=none/ /etc/carillon/carillon.env; systemctl start carillon");
  await eventually("it has failed", async () => await run(show("ActiveState")) === "failed");
  equal([await run(show("ExecMainStatus")), await run(show("NRestarts"))], ["78", "0"]);
});
