/** Just enough of a CalDAV client to make a calendar and put events into it. */
import { Refusal } from "./command.ts";

export function openCalendar(address: string, user: string) {
  const authorization = `Basic ${btoa(`${user}:${user}`)}`;

  async function request(method: string, name = "", body?: string): Promise<void> {
    const response = await fetch(address + name, {
      method,
      body,
      headers: { authorization, ...(body && { "content-type": "text/calendar" }) },
    });
    await response.body?.cancel();
    if (!response.ok) throw new Refusal(`Radicale refused ${method} ${address}${name}: ${response.status}`);
  }

  return {
    make: () => request("MKCALENDAR"),
    /** Creates or replaces `UID.ics`. */
    put: (uid: string) => request("PUT", `${uid}.ics`, printEvent(uid, uid)),
  };
}

export function printEvent(uid: string, summary: string): string {
  return [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Carillon//EN",
    "BEGIN:VEVENT",
    `UID:${uid}`,
    "DTSTAMP:20261123T000000Z",
    "DTSTART:20261124T090000Z",
    "DTEND:20261124T100000Z",
    `SUMMARY:${summary}`,
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ].join("\r\n");
}
