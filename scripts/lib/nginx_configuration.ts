/** What nginx is told where it stands in front of workers: nothing outside of its own folder. */

/** `http` are its blocks; `errors` is the level of what it says, `connections` how many it may have. */
export function nginxConfiguration(folder: string, http: string, { errors = "error", connections = 512 } = {}): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder};`);
  // One process, so that it has no other user and ends by its id.
  const main = `daemon off; master_process off; pid ${folder}/pid; error_log stderr ${errors};`;
  const events = `events { worker_connections ${connections}; }`;
  return `${main}\n${events}\nhttp {\naccess_log off; ${temporary.join(" ")}\n${http}}\n`;
}
