# SPDX-License-Identifier: MIT
"""Radicale 3.9 hook that tells Carillon which collections changed.

A change is a push message (CC/CD 70025) in a Security Event Token (RFC 8417), pushed per RFC 8935. A write is never
held up: `notify` only puts the change into memory. One thread keeps what is not acknowledged in a spool on disk,
another sends it until Carillon has it: at least once, also after a restart. SCHEMA has the options of Radicale's
section [hook].
"""
import atexit
import base64
import contextlib
import hashlib
import hmac
import http.client
import itertools
import json
import os
import random
import threading
import time
import uuid
from datetime import datetime, timezone
from types import SimpleNamespace
from urllib.parse import quote, urlsplit

from radicale.config import filepath, positive_float
from radicale.hook import BaseHook, HookNotificationItemTypes
from radicale.log import logger

try:
    import fcntl
except ImportError:  # Windows, where Radicale is one process: nobody to lock out
    fcntl = None

SCHEMA = {"hook": {
    "carillon_url": {"value": "http://localhost:8411", "type": str},
    "carillon_audience": {"value": "", "type": str},  # Carillon's CARILLON_URL, where carillon_url is an inner address
    "carillon_issuer": {"value": "radicale", "type": str},
    "carillon_secret": {"value": "", "type": str},
    "carillon_secret_file": {"value": "", "type": filepath},
    "carillon_topics": {"value": "http://localhost:5232/", "type": str},  # Radicale's public address
    "carillon_spool": {"value": "", "type": filepath},  # .carillon-spool.jsonl in [storage] filesystem_folder
    "carillon_retry_first": {"value": "1", "type": positive_float},  # seconds; doubles up to RETRY_MOST
}}

MIN_SECRET = 32  # bytes: HS256 wants a key as long as its hash (RFC 7518 3.2)
MAX_SET_BYTES = 48 * 1024  # the receiver's limits
MAX_MESSAGES = 500
MAX_WAITING = 10_000  # messages in memory, about 3 MB
MAX_AGE = 23 * 3600  # seconds: Carillon refuses an iat of more than 24 h ago
TIMEOUT = 10  # seconds
RETRY_LEAST = 0.01  # seconds: 0 would be a busy loop
RETRY_MOST = 60
RETRY_AFTER_MOST = 3600  # seconds: a Retry-After of weeks is a mistake

# The codes of RFC 8935 2.4.
ADVICE = {
    "invalid_issuer": "Add carillon_issuer to Carillon's CARILLON_ISSUERS.",
    "invalid_audience": "Set carillon_audience to Carillon's CARILLON_URL.",
    "invalid_key": "Allow HS256, with carillon_secret, in the issuer's entry in CARILLON_ISSUERS.",
    "authentication_failed": "Make carillon_secret the same as the issuer's secret in CARILLON_ISSUERS.",
    "access_denied": "Add carillon_topics to the issuer's topics in CARILLON_ISSUERS.",
    "invalid_request": "Compare the clocks of both machines, and carillon_topics.",
}
FAULTS_OF_A_MESSAGE = ("access_denied", "invalid_request")

compact = json.JSONEncoder(separators=(",", ":")).encode


class Hook(BaseHook):
    """What `[hook] type = carillon_hook` loads."""

    def __init__(self, configuration):
        super().__init__(configuration.copy(SCHEMA))
        self._settings = read_settings(self.configuration)
        self._courier = Courier(self._settings)

    @property
    def enabled(self):
        return True

    def notify(self, notification_item):
        """Called inside Radicale's storage lock: must neither wait nor raise."""
        try:
            if notification_item.point:  # empty for a principal or the root, which are no collections
                self._own_courier().put(push_message(self._settings.topics, notification_item))
        except Exception as error:
            logger.error("Carillon: a change was not noted: %s", error)

    def _own_courier(self):
        """A fork (of uWSGI or gunicorn) copies the memory but no threads."""
        if self._courier.pid != os.getpid():
            self._courier = Courier(self._settings)
        return self._courier


def read_settings(configuration):
    """Raises RuntimeError; Radicale then logs its text and goes on without a hook."""
    own = SimpleNamespace(**{name: configuration.get("hook", name) for name in SCHEMA["hook"]})
    url = own.carillon_url.rstrip("/")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise RuntimeError("carillon_url is not an http or https address: %r" % url)
    folder = configuration.get("storage", "filesystem_folder")
    return SimpleNamespace(
        url=url,
        audience=own.carillon_audience.rstrip("/") or url,
        issuer=own.carillon_issuer,
        secret=read_secret(own.carillon_secret, own.carillon_secret_file),
        topics=own.carillon_topics if own.carillon_topics.endswith(("/", ":")) else own.carillon_topics + "/",
        spool=own.carillon_spool or os.path.join(folder, ".carillon-spool.jsonl"),
        retry_first=max(own.carillon_retry_first, RETRY_LEAST),
    )


def read_secret(text, path):
    secret = text.encode()
    if path:
        try:
            with open(path, "rb") as file:
                secret = file.read().strip()
        except OSError as error:
            raise RuntimeError("carillon_secret_file was not read: %s" % error) from None
    if len(secret) < MIN_SECRET:
        raise RuntimeError(
            "carillon_secret has %d bytes and needs %d: put the output of `openssl rand -hex 32` into carillon_secret "
            "or a carillon_secret_file, and into Carillon's CARILLON_ISSUERS" % (len(secret), MIN_SECRET))
    return secret


def push_message(topics, notification_item):
    """The topic is spelt as Radicale spells its own hrefs (`xmlutils.make_href`)."""
    is_property = notification_item.type == HookNotificationItemTypes.CPATCH.value
    return {
        "topic": topics + quote(notification_item.point) + "/",
        "timestamp": datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "update": "property" if is_property else "content",
        "depth": "0" if is_property else "1",
    }


class Courier:
    """Holds what is not acknowledged: `batches`, tried already and so frozen with their jti, and `waiting`, merged.

    Two threads, since the spool must not wait for a POST that hangs: what is not in it dies with a kill -9.
    """

    def __init__(self, settings):
        self.pid = os.getpid()
        self._settings = settings
        self._spool = Spool(settings.spool)
        self._changed = threading.Condition()
        self._saving = threading.Lock()
        self._unsaved = False
        self._dropped = 0
        self._waiting = {}
        entries = self._spool.read()
        self._batches = [entry for entry in entries if is_batch(entry)]
        for message in itertools.filterfalse(is_batch, entries):
            self._merge(message)
        atexit.register(self._save_at_exit)
        for work in (self._keep_saving, self._keep_sending):
            threading.Thread(target=work, name="carillon" + work.__name__, daemon=True).start()

    def put(self, message):
        with self._changed:
            self._merge(message)
            self._mark_changed()

    def _merge(self, message):
        key = message["topic"], message["update"]
        known = self._waiting.get(key, message)
        self._waiting[key] = max(known, message, key=lambda each: each["timestamp"])
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self._dropped += 1
            if self._dropped % 1000 == 1:  # a line for each would be a second flood
                logger.error("Carillon: %d change(s) were dropped: more than %d wait", self._dropped, MAX_WAITING)

    def _mark_changed(self):
        self._unsaved = True
        self._changed.notify_all()

    def _keep_saving(self):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._unsaved)
            self._save()

    def _save(self):
        with self._saving:  # snapshots are written in the order in which they were taken
            with self._changed:
                self._unsaved = False
                entries = [*self._batches, *self._waiting.values()]
            try:
                self._spool.write(entries)
            except OSError as error:
                logger.error("Carillon: %d change(s) are in memory only, the spool failed: %s", len(entries), error)

    def _save_at_exit(self):
        if self.pid == os.getpid():  # the spool of a fork's child is another
            self._save()

    def _keep_sending(self):
        while True:
            self._deliver(self._next_batch())

    def _next_batch(self):
        with self._changed:
            self._changed.wait_for(lambda: self._batches or self._waiting)
            if not self._batches:
                self._batches.append(new_batch(take(self._settings, self._waiting)))
                self._mark_changed()
            return self._batches[0]

    def _deliver(self, batch):
        """Returns when the batch is acknowledged, or refused for ever."""
        count, delay = len(batch["messages"]), self._settings.retry_first
        for attempt in itertools.count(1):
            answer = post(self._settings, batch)
            if answer.done:
                break
            if attempt == 1:
                logger.warning("Carillon: %d change(s) wait and will be sent again: %s", count, answer.reason)
            time.sleep(max(delay * random.uniform(0.5, 1), answer.retry_after))
            delay = min(2 * delay, RETRY_MOST)
        # One bad message must not cost the others of its SET: it is found by halving.
        rest = halves(batch) if answer.refusal in FAULTS_OF_A_MESSAGE else []
        if answer.refusal and not rest:
            logger.error("Carillon: %d change(s) were refused for ever: %s. %s", count, answer.reason,
                         ADVICE.get(answer.refusal, "See Carillon's log."))
        elif attempt > 1:
            logger.info("Carillon: %d change(s) were sent at attempt %d", count, attempt)
        with self._changed:
            self._batches[:1] = rest
            self._mark_changed()


def is_batch(entry):
    return "jti" in entry


def new_batch(messages):
    """A SET to be. Its jti and messages stay the same however often it is sent, so that a repeat is known as one."""
    return {"jti": str(uuid.uuid4()), "iat": int(time.time()), "messages": messages}


def halves(batch):
    messages, middle = batch["messages"], len(batch["messages"]) // 2
    return [new_batch(messages[:middle]), new_batch(messages[middle:])] if middle else []


def take(settings, waiting):
    """Removes the oldest messages that fit into one SET; always one."""
    room = (MAX_SET_BYTES - len(sign(settings, new_batch([])))) * 3 // 4 - 4  # base64 makes 4 bytes of 3
    taken = []
    for key, message in list(itertools.islice(waiting.items(), MAX_MESSAGES)):
        room -= len(compact(message)) + 1
        if room < 0 and taken:
            break
        taken.append(waiting.pop(key))
    return taken


def sign(settings, batch):
    header = {"alg": "HS256", "typ": "secevent+jwt"}
    claims = {"iss": settings.issuer, "aud": settings.audience, "iat": batch["iat"], "jti": batch["jti"],
              "events": {"urn:ietf:params:xml:ns:dav-push:push": {"messages": batch["messages"]}}}
    text = b".".join(base64url(compact(part).encode()) for part in (header, claims))
    return text + b"." + base64url(hmac.new(settings.secret, text, hashlib.sha256).digest())


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def post(settings, batch):
    """Whatever goes wrong on the way is an answer too: the sending thread must outlive it."""
    if time.time() - batch["iat"] > MAX_AGE:
        batch["iat"] = int(time.time())
    url = urlsplit(settings.url)
    connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    try:
        with contextlib.closing(connect(url.hostname, url.port, timeout=TIMEOUT)) as connection:
            headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
            connection.request("POST", url.path + "/-/events", sign(settings, batch), headers)
            response = connection.getresponse()
            return read_answer(response.status, response.headers, response.read(4096))
    except Exception as error:
        return SimpleNamespace(done=False, refusal="", reason=repr(error), retry_after=0)


def read_answer(status, headers, body):
    """A 400 without RFC 8935's `err` is a proxy's complaint, and passes once the proxy is set right."""
    refusal, reason = "", "HTTP status %d" % status
    if status == 400:
        with contextlib.suppress(ValueError, LookupError, TypeError):
            fault = json.loads(body)
            refusal = str(fault["err"])
            reason = "%.50s: %.300r" % (refusal, fault.get("description", ""))
    seconds = headers.get("Retry-After", "")
    wait = min(int(seconds), RETRY_AFTER_MOST) if seconds.isdecimal() else 0
    return SimpleNamespace(done=status == 202 or refusal != "", refusal=refusal, reason=reason, retry_after=wait)


class Spool:
    """One JSON object a line, a batch or a message; rewritten whole and atomically, absent when nothing waits."""

    def __init__(self, path):
        self._path, self._lock = claim(path)

    def read(self):
        entries = []
        with contextlib.suppress(FileNotFoundError), open(self._path, "rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    entries.append(read_entry(json.loads(line)))
                except (ValueError, LookupError, TypeError):
                    logger.warning("Carillon: line %d of the spool was skipped: it is corrupt: %s", number, self._path)
        return entries

    def write(self, entries):
        if not entries:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self._path)
            return
        with open(self._path + ".new", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.writelines(compact(entry) + "\n" for entry in entries)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self._path + ".new", self._path)


def claim(path):
    """The first free one of path, path.1, path.2 …: each process of a WSGI server has its own."""
    for number in itertools.count():
        name = "%s.%d" % (path, number) if number else path
        lock = open(name + ".lock", "w")
        try:
            if fcntl:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return name, lock
        except BlockingIOError:
            lock.close()


def read_entry(entry):
    if is_batch(entry):
        return {"jti": str(entry["jti"]), "iat": int(entry["iat"]), "messages": [*map(read_message, entry["messages"])]}
    return read_message(entry)


def read_message(entry):
    return {name: str(entry[name]) for name in ("topic", "timestamp", "update", "depth")}
