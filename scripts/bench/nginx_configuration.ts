/** What nginx is told for a benchmark: one worker, no log, and nothing outside of its own folder. */

/** `servers` are its `server` blocks. */
export function nginxConfiguration(servers: string): string {
  return `daemon off;
${Deno.uid() === 0 ? "user root;" : ""}
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
${servers}}
`;
}
