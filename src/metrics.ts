/** Prometheus metrics. No label ever holds what a stranger can choose: only doors, codes and reasons of ours. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    changes: new Counter({ name: "carillon_changes_total", help: "Changes committed to the journal", registers }),
    replayed: new Counter({
      name: "carillon_sets_replayed_total",
      help: "SETs whose jti was known: 202, no event",
      registers,
    }),
    refused: new Counter({
      name: "carillon_refused_total",
      help: "Requests refused, by error code",
      labelNames: ["code"] as const,
      registers,
    }),
    commitSeconds: new Histogram({
      name: "carillon_commit_seconds",
      help: "Time of one journal commit",
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
    batchesFollowed: new Counter({
      name: "carillon_batches_followed_total",
      help: "Batches read from the journal",
      registers,
    }),
    batchesUnknown: new Counter({
      name: "carillon_batches_unknown_total",
      help: "Batches that cannot be read, set aside",
      registers,
    }),
    pushMessages: new Counter({
      name: "carillon_push_messages_total",
      help: "Messages of our own push service, by what became of them",
      labelNames: ["outcome"] as const,
      registers,
    }),
    pushReaders: new Gauge({ name: "carillon_push_readers", help: "Readers of our own push service", registers }),
    streamsOpen: new Gauge({ name: "carillon_streams_open", help: "Event streams open", registers }),
    memoryRatio: new Gauge({
      name: "carillon_memory_ratio",
      help: "Share of the memory that may be used: of V8's heap or of the process, whichever is fuller",
      registers,
    }),
    memoryShort: new Gauge({
      name: "carillon_memory_short",
      help: "1 while new event streams are refused since memory is short",
      registers,
    }),
    streamsEnded: new Counter({
      name: "carillon_streams_ended_total",
      help: "Event streams ended, by reason",
      labelNames: ["reason"] as const,
      registers,
    }),
    delivered: new Counter({
      name: "carillon_stream_chunks_total",
      help: "Chunks written to event streams",
      registers,
    }),
    deliveries: new Counter({
      name: "carillon_deliveries_total",
      help: "Messages sent, by transport and outcome",
      labelNames: ["transport", "outcome"] as const,
      registers,
    }),
    deliveriesExpired: new Counter({
      name: "carillon_deliveries_expired_total",
      help: "Messages that could not be delivered in time",
      registers,
    }),
    recordsSetAside: new Counter({
      name: "carillon_records_set_aside_total",
      help: "Times that a record that cannot be read was met and left alone, by kind",
      labelNames: ["kind"] as const,
      registers,
    }),
    queueAge: new Gauge({
      name: "carillon_delivery_queue_age_seconds",
      help: "How long the oldest window that may be sent waits for its turn",
      registers,
    }),
    windowsOpen: new Gauge({
      name: "carillon_windows_open",
      help: "Topics with changes that are not sent yet",
      registers,
    }),
    retriesDue: new Gauge({ name: "carillon_retries_due", help: "Retries whose time has come", registers }),
    shardsOwned: new Gauge({ name: "carillon_shards_owned", help: "Shards that this worker delivers", registers }),
    shardLag: new Gauge({
      name: "carillon_shard_lag_seconds",
      help: "How far the slowest shard is behind the journal",
      registers,
    }),
    checkpointSeconds: new Histogram({
      name: "carillon_checkpoint_seconds",
      help: "Time to write down how far a shard got",
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
    pushServicesPaused: new Gauge({
      name: "carillon_push_services_paused",
      help: "Push services that nothing is sent to for a while, since they failed or asked for it",
      registers,
    }),
    pushesInFlight: new Gauge({ name: "carillon_pushes_in_flight", help: "Push requests under way", registers }),
    pushesWaiting: new Gauge({
      name: "carillon_pushes_waiting",
      help: "Push messages that wait for room at their push service",
      registers,
    }),
    davHomes: new Gauge({
      name: "carillon_dav_homes",
      help: "Homes that are polled for what no client of ours writes",
      registers,
    }),
    davPolls: new Counter({
      name: "carillon_dav_polls_total",
      help: "Looks at homes by the service account, by what came of it",
      labelNames: ["outcome"] as const,
      registers,
    }),
    davUnread: new Counter({
      name: "carillon_dav_unread_total",
      help: "Multistatus answers of the DAV server that could not be read, and went on as they were",
      registers,
    }),
    pushFaults: new Counter({
      name: "carillon_push_faults_total",
      help:
        "Web Push messages with a VAPID key that is not ours any more, to a blocked address, sent again shorter, to keys or an address that cannot be used, or kept for less than asked",
      labelNames: ["kind"] as const,
      registers,
    }),
    pushKeysReady: new Gauge({
      name: "carillon_push_keys_ready",
      help: "Ephemeral keys that were made ahead",
      registers,
    }),
    journalBytes: new Gauge({
      name: "carillon_journal_bytes",
      help: "Bytes of changes that the journal holds",
      registers,
    }),
    pruned: new Counter({ name: "carillon_batches_pruned_total", help: "Batches pruned", registers }),
  };
}

/** Adds the process's own figures (memory, CPU, event loop); for a process that lives, not for tests. */
export function collectProcessMetrics(metrics: Metrics): void {
  collectDefaultMetrics({ register: metrics.registry });
}
