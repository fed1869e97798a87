/** carillon.service under a real systemd, installed as docs/deploy.md says; the desktop's unit under that of a user. */
import { freePort } from "../../scripts/lib/free_port.ts";
import { equal, ok } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { findVdirsyncer, openDesktop } from "../helpers/desktop.ts";
import { findRadicale } from "../helpers/radicale.ts";
import { documentOf } from "../helpers/document.ts";
import { eventually } from "../helpers/eventually.ts";
import { openSystemd } from "../helpers/systemd.ts";

const document = await documentOf("docs/deploy.md");

/** What opens is closed again: then it can be done. It takes root, and a kernel that lets it. */
async function tryOnce(): Promise<true> {
  await using _ = await openSystemd();
  return true;
}
const tried = tryOnce();

const test = await component("systemd in namespaces", () => tried, { isRight: true });

/** How packages are fetched here, which a service does not inherit. */
const FETCHING = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "NPM_CONFIG_REGISTRY", "HTTPS_PROXY", "NO_PROXY"].flatMap(
  (name) => {
    const value = Deno.env.get(name);
    return value ? [`${name}=${value}`] : [];
  },
);

const show = (name: string) => `systemctl show --value -p ${name} carillon`;

test("deploy: systemd starts the unit in its sandbox, anew after a kill, ends it, and leaves wrong settings alone", async () => {
  await using systemd = await openSystemd();
  const { run } = systemd, port = freePort(), url = `http://localhost:${port}`;
  const settings = document.textOf("env").replace("https://push.example.com", url);
  const variables = [settings.trim(), `PORT=${port}`, "DENO_TLS_CA_STORE=system", ...FETCHING, ""].join("\n");
  await run(`cp -L --remove-destination ${Deno.execPath()} /usr/local/bin/deno
    chmod 755 /usr/local/bin/deno
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

/** A user's own systemd, as logging in starts it. */
const MANAGER = `
useradd -m tester
mkdir -p /run/tester ~tester/.config/systemd/user/carillon-watch@.service.d ~tester/.config/carillon ~tester/.deno/bin
cp -L ${Deno.execPath()} ~tester/.deno/bin/deno
cat > /etc/systemd/system/user.service <<UNIT
[Service]
User=tester
Type=notify
Delegate=yes
KillMode=mixed
Environment=HOME=/home/tester XDG_RUNTIME_DIR=/run/tester
ExecStart=/lib/systemd/systemd --user --unit=basic.target
UNIT
for target in basic shutdown default; do
  printf '[Unit]\\nDefaultDependencies=no\\n' > ~tester/.config/systemd/user/$target.target
done
printf '[Service]\\nStandardError=append:%%h/log\\n' > ~tester/.config/systemd/user/carillon-watch@.service.d/log.conf
`;

const testDesktop = await component(
  "Radicale, vdirsyncer, and systemd in namespaces",
  async () => await tried && await findRadicale() && await findVdirsyncer(),
  { isRight: true },
);

testDesktop(
  "desktop: a user's systemd starts the unit, stops it, starts it anew, and leaves wrong settings alone",
  async () => {
    await using desktop = await openDesktop();
    await using systemd = await openSystemd();
    const { run } = systemd, unit = "carillon-watch@work";
    const user = (script: string) =>
      run(
        `cd /home/tester; runuser -u tester -- env -i HOME=/home/tester PATH=/usr/bin:/bin XDG_RUNTIME_DIR=/run/tester \
      bash -euo pipefail -c '${script}'`,
      );
    const shows = async (name: string, value: string) =>
      await user(`systemctl --user show --value -p ${name} ${unit}`) === value;
    const { url } = desktop.front;
    const variables = [
      `URL=${url}/`,
      "NAME=alice",
      `PUSH_SERVICE=${url}`,
      `EXEC="date >> ran"`,
      "DENO_CERT=/home/tester/ca.pem",
    ];
    await run(`${MANAGER}
    printf '%s\n' '${
      [...variables, "DENO_TLS_CA_STORE=system", ...FETCHING].join("' '")
    }' > ~tester/.config/carillon/work.env
    echo alice > ~tester/.config/carillon/work.password
    echo ${await desktop.token()} > ~tester/.config/carillon/work.token
    cp ${desktop.ca} ~tester/ca.pem
    mkdir ~tester/carillon
    cd ${Deno.cwd()}
    cp -r deno.json deno.lock src scripts docs ~tester/carillon
    chown -R tester /run/tester ~tester
    systemctl daemon-reload
    systemctl start user`);
    await user(`cp ~/carillon/docs/examples/desktop/carillon-watch@.service ~/.config/systemd/user/
    systemctl --user daemon-reload
    systemctl --user enable --now ${unit}`);
    await eventually("it is told by push", async () => /told by push/.test(await user("cat log")), 90_000);
    await eventually("the command has run", async () => (await user("cat ran || true")) !== "");

    await user(`systemctl --user stop ${unit}`);
    ok(await shows("Result", "success") && await shows("ActiveState", "inactive"));
    await user(`systemctl --user start ${unit}; kill -9 $(systemctl --user show --value -p MainPID ${unit})`);
    await eventually("it waits to be started anew", () => shows("SubState", "auto-restart"));
    await user(`systemctl --user stop ${unit}; sed -i s/^URL=.*/URL=none/ .config/carillon/work.env`);
    await user(`systemctl --user start ${unit}`);
    await eventually("it has failed", () => shows("ActiveState", "failed"));
    ok(await shows("ExecMainStatus", "2") && await shows("NRestarts", "0"));
  },
);
