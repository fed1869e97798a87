/** Rooms: the audiences that have streams now, each found by what its readers ask for and may read. */
import { audienceKey, createAudience, type Reader } from "./audience.ts";
import { createIndex } from "./audience_index.ts";
import type { Room, Stream } from "./stream.ts";

export function createRooms() {
  const rooms = new Map<string, Room>();
  const index = createIndex();

  function roomFor(reader: Reader): Room {
    const key = audienceKey(reader);
    const found = rooms.get(key);
    if (found) return found;
    const room = { ...createAudience(reader), streams: new Set<Stream>() };
    rooms.set(key, room);
    index.add(room);
    return room;
  }

  function forget(room: Room): void {
    rooms.delete(room.key);
    index.remove(room);
  }

  return {
    find: index.find,
    roomFor,
    forget,
    /** What all readers ask for. */
    matchers: () => rooms.values().flatMap(({ reader }) => reader.matchers),
  };
}
