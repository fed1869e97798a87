/** Where the doors of our own push service are. */
import { refusedInTurn } from "./around.ts";
import { pushDoor, type rawPushDoor } from "./push.ts";
import {
  acknowledgeDoor,
  PUSH,
  pushEndDoor,
  pushReadDoor,
  pushSubscribeDoor,
  receiptSubscribeDoor,
} from "./push_service.ts";
import type { Routes } from "./stream.ts";

export function mountPushService(app: Routes, deps: Parameters<typeof rawPushDoor>[0]): void {
  app.use(`${PUSH}/*`, refusedInTurn(deps.awaitTurn));
  app.post(`${PUSH}/subscribe`, pushSubscribeDoor(deps));
  app.post(`${PUSH}/receipt`, receiptSubscribeDoor(deps));
  app.post(`${PUSH}/push/:token`, pushDoor(deps));
  for (const kind of ["subscription", "set", "receipt"] as const) {
    app.get(`${PUSH}/${kind}/:token`, pushReadDoor(deps, kind));
  }
  for (const kind of ["subscription", "receipt"] as const) {
    app.delete(`${PUSH}/${kind}/:token`, pushEndDoor(deps, kind));
  }
  app.delete(`${PUSH}/message/:token`, acknowledgeDoor(deps));
}
