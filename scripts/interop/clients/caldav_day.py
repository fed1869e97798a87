"""python-caldav through a day of a calendar: prints a line of JSON for each step, with what it saw."""
import json
import sys
from datetime import datetime, timezone

import caldav
from caldav.elements import dav

URL, USER, PASSWORD = sys.argv[1:]
NINE, TEN = (datetime(2026, 11, 24, hour, tzinfo=timezone.utc) for hour in (9, 10))
day = {}


def step(run):
    """Runs it at once; what it returns is a list of lines, and an exception is how it failed."""
    try:
        outcome, lines = "passed", [str(line) for line in run() or []]
    except Exception as error:
        outcome, lines = "failed", [type(error).__name__, *str(error).splitlines()[:2]]
    print(json.dumps({"name": run.__name__.replace("_", " "), "outcome": outcome, "lines": lines}), flush=True)


def summaries(objects):
    return sorted(str(component.get("summary")) for each in objects for component in [each.icalendar_component])


with caldav.DAVClient(url=URL, username=USER, password=PASSWORD) as client:

    @step
    def principal():
        day["principal"] = client.principal()
        return [day["principal"].url.path]

    @step
    def what_the_server_supports():
        return [client.check_dav_support(), client.check_cdav_support(), client.check_scheduling_support()]

    @step
    def calendar_home():
        return [day["principal"].calendar_home_set.url.path]

    @step
    def make_calendar():
        day["calendar"] = day["principal"].make_calendar(name="Interop", cal_id="python")
        return [day["calendar"].url.path]

    @step
    def calendars():
        return sorted(each.url.path for each in day["principal"].get_calendars())

    @step
    def display_name():
        return [day["calendar"].get_property(dav.DisplayName())]

    @step
    def rename():
        day["calendar"].set_properties([dav.DisplayName("Renamed ü")])
        return [day["calendar"].get_property(dav.DisplayName())]

    @step
    def supported_components():
        return sorted(day["calendar"].get_supported_components())

    @step
    def add_event():
        day["event"] = day["calendar"].add_event(uid="one", dtstart=NINE, dtend=TEN, summary="One")
        return [day["event"].url.path]

    @step
    def add_recurring_event():
        rule = {"FREQ": "DAILY", "COUNT": 5}
        return [day["calendar"].add_event(uid="many", dtstart=NINE, dtend=TEN, summary="Many", rrule=rule).url.path]

    @step
    def add_task():
        return [day["calendar"].add_todo(uid="task", summary="Task", due=TEN).url.path]

    @step
    def add_journal():
        return [day["calendar"].add_journal(uid="journal", summary="Journal", dtstart=NINE).url.path]

    @step
    def events():
        return summaries(day["calendar"].get_events())

    @step
    def tasks():
        return summaries(day["calendar"].get_todos())

    @step
    def search_by_time():
        return summaries(day["calendar"].search(event=True, start=NINE, end=TEN))

    @step
    def search_expanded():
        end = datetime(2026, 11, 27, tzinfo=timezone.utc)
        return summaries(day["calendar"].search(event=True, start=NINE, end=end, expand=True))

    @step
    def search_by_text():
        return summaries(day["calendar"].search(event=True, summary="One"))

    @step
    def find_by_uid():
        return summaries([day["calendar"].get_event_by_uid("one")])

    @step
    def sync_from_nothing():
        day["sync"] = day["calendar"].get_objects_by_sync_token(disable_fallback=True)
        return sorted(each.url.path for each in day["sync"])

    @step
    def change_event():
        with day["event"].edit_icalendar_component() as component:
            component["summary"] = "Changed"
        day["event"].save()
        day["event"].load()
        return summaries([day["event"]])

    @step
    def complete_task():
        task = day["calendar"].get_todo_by_uid("task")
        task.complete()
        return summaries(day["calendar"].get_todos(include_completed=True))

    @step
    def sync_what_changed():
        token = day["sync"].sync_token
        changed = day["calendar"].get_objects_by_sync_token(token, disable_fallback=True)
        return sorted(each.url.path for each in changed)

    @step
    def multiget():
        return summaries(day["calendar"].multiget([day["event"].url]))

    @step
    def delete_event():
        day["event"].delete()
        return summaries(day["calendar"].get_events())

    @step
    def sync_what_is_gone():
        updated, deleted = day["sync"].sync()
        return [*sorted(each.url.path for each in updated), *sorted(each.url.path for each in deleted)]

    @step
    def free_busy():
        answer = day["calendar"].freebusy_request(NINE, TEN)
        return sorted(line for line in answer.data.splitlines() if line.startswith("FREEBUSY"))

    @step
    def delete_calendar():
        day["calendar"].delete()
        return sorted(each.url.path for each in day["principal"].get_calendars())
