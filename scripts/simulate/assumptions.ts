/** What is assumed of users, devices, collections, push services and the DAV server. docs/push-or-poll.md says why. */
import type { Outage } from "./outage.ts";

/** All times of the simulation are whole milliseconds. */
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Users who share collections with each other, and with nobody else. */
export const GROUP = 4;

/** Collections that one user alone has, and that all of a group have. */
export const OWN = 3;
export const SHARED = 2;

/** The importance of a change, its share of what people change, and the priority that the server gives it (CC/CD 70025). */
export const IMPORTANCE = [
  { name: "high", share: 0.1, priority: 90 },
  { name: "normal", share: 0.6, priority: 50 },
  { name: "low", share: 0.3, priority: 10 },
] as const;

/** What may be assumed otherwise: the table of sensitivities does, and tests do. */
export type Assumptions = {
  /** Sittings a day in which a user's own collection, or a shared one, is changed. */
  ownSittings: number;
  sharedSittings: number;
  /** Changes of one sitting on average, and milliseconds between them. */
  sitting: number;
  pause: number;
  /** Of all sittings so many are an import, or something else that a program does in a row; of low importance. */
  imports: { share: number; changes: number; pause: number };
  /** Of all sittings so many come from outside: an invitation, a web interface. No device knows of them already. */
  outside: number;
  /** How busy each hour of a day is, compared with the others; and a day of a weekend, compared with a working day. */
  shape: readonly number[];
  weekend: number;
  /** A push takes so many milliseconds on average, and so many are lost: devices that are off for long. */
  latency: number;
  loss: number;
};

export const ASSUMED: Assumptions = {
  ownSittings: 1,
  sharedSittings: 3,
  sitting: 2,
  pause: 20 * SECOND,
  imports: { share: 0.01, changes: 100, pause: 300 },
  outside: 0.3,
  shape: [1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 12, 10, 12, 13, 13, 12, 10, 8, 7, 6, 5, 3, 2],
  weekend: 0.3,
  latency: 1 * SECOND,
  loss: 0.005,
};

/** A phone, a laptop, and every other user a tablet. */
export const devicesOf = (user: number) => 2 + user % 2;

/** Requests a second that the DAV server answers, for so many devices, but one at the least. What is beyond waits in a queue. */
export const capacityOf = (devices: number) => Math.max(1, 0.003 * devices);

/** Who sees a change after this is late. */
export const LATE = HOUR;

/** How much more is changed than usual, and whether the push service is out of order for an hour of each day. */
export type Load = { name: string; changes: number; outage?: Outage };

export const LOADS: Load[] = [
  { name: "normal", changes: 1 },
  { name: "busy", changes: 5 },
  { name: "overload", changes: 10 },
  { name: "outage", changes: 1, outage: { from: 10 * HOUR, to: 11 * HOUR, isRefusal: false } },
  { name: "refusal", changes: 1, outage: { from: 10 * HOUR, to: 11 * HOUR, isRefusal: true } },
];

/** What is simulated: how many users for how many days. */
export type Size = { users: number; days: number; seed: number };

export function countDevices(users: number): number {
  const [whole, rest] = [Math.floor(users / 2), users % 2];
  return whole * (devicesOf(0) + devicesOf(1)) + rest * devicesOf(0);
}
