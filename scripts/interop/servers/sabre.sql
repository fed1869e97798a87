-- What the PDO backends of sabre/dav 4 ask for, which its package for Composer has no tables for.
CREATE TABLE principals (id INTEGER PRIMARY KEY, uri UNIQUE, email, displayname);
CREATE TABLE groupmembers (id INTEGER PRIMARY KEY, principal_id INTEGER, member_id INTEGER);
CREATE TABLE locks (id INTEGER PRIMARY KEY, owner, timeout INTEGER, created INTEGER, token, scope INTEGER, depth INTEGER, uri);

CREATE TABLE addressbooks (
  id INTEGER PRIMARY KEY, principaluri, displayname, uri, description, synctoken INTEGER DEFAULT 1,
  UNIQUE (principaluri, uri)
);
CREATE TABLE cards (
  id INTEGER PRIMARY KEY, addressbookid INTEGER, carddata, uri, lastmodified INTEGER, etag, size INTEGER,
  UNIQUE (addressbookid, uri)
);
CREATE TABLE addressbookchanges (
  id INTEGER PRIMARY KEY, uri, synctoken INTEGER, addressbookid INTEGER, operation INTEGER
);

CREATE TABLE calendars (id INTEGER PRIMARY KEY, synctoken INTEGER DEFAULT 1, components);
-- `access` 1 is the owner's.
CREATE TABLE calendarinstances (
  id INTEGER PRIMARY KEY, calendarid INTEGER, principaluri, access INTEGER DEFAULT 1, displayname, uri, description,
  calendarorder INTEGER, calendarcolor, timezone, transparent INTEGER, share_href, share_displayname,
  share_invitestatus INTEGER DEFAULT 2,
  UNIQUE (principaluri, uri)
);
CREATE TABLE calendarobjects (
  id INTEGER PRIMARY KEY, calendardata, uri, calendarid INTEGER, lastmodified INTEGER, etag, size INTEGER,
  componenttype, firstoccurence INTEGER, lastoccurence INTEGER, uid,
  UNIQUE (calendarid, uri)
);
CREATE TABLE calendarchanges (id INTEGER PRIMARY KEY, uri, synctoken INTEGER, calendarid INTEGER, operation INTEGER);
CREATE TABLE calendarsubscriptions (
  id INTEGER PRIMARY KEY, uri, principaluri, source, displayname, refreshrate, calendarorder INTEGER, calendarcolor,
  striptodos INTEGER, stripalarms INTEGER, stripattachments INTEGER, lastmodified INTEGER
);
CREATE TABLE schedulingobjects (
  id INTEGER PRIMARY KEY, principaluri, calendardata, uri, lastmodified INTEGER, etag, size INTEGER
);
