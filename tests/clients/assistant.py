"""An assistant's side of `datasets mcp`, by the official client of the Model Context Protocol.

    assistant.py DATASETS URL KEY

Every tool is called once as it should be, and with what it must refuse, with and without `--write`.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests
from mcp import ClientSession, StdioServerParameters, stdio_client

DATASETS, URL, KEY = sys.argv[1:]
READING = {
    "list_groups",
    "list_versions",
    "show_version",
    "summarize_columns",
    "read_rows",
    "search_rows",
    "compare_versions",
    "check_file",
}
WRITING = {"push_file", "move_label"}


def expect(condition, what):
    if not condition:
        raise SystemExit(f"{what!r} is not as expected")


class Assistant:
    def __init__(self, session):
        self.session = session

    async def call(self, tool, **arguments):
        return await self.session.call_tool(tool, arguments)

    async def get(self, tool, **arguments):
        result = await self.call(tool, **arguments)
        expect(not result.is_error and len(result.content) == 1, (tool, arguments, result))
        return json.loads(result.content[0].text)

    async def refused(self, told, tool, **arguments):
        result = await self.call(tool, **arguments)
        expect(result.is_error and told in result.content[0].text, (tool, arguments, result))


async def assistant(work, files, *options):
    server = StdioServerParameters(
        command=DATASETS,
        args=["mcp", "--files", str(files), *options],
        env={**os.environ, "DATASETS_URL": URL, "DATASETS_API_KEY": KEY},
    )
    async with stdio_client(server) as (reads, writes), ClientSession(reads, writes) as session:
        greeting = await session.initialize()
        expect(greeting.server_info.name == "datasets" and "instruction" in greeting.instructions, greeting)
        await work(Assistant(session))


async def tools_of(assistant):
    tools = {tool.name: tool for tool in (await assistant.session.list_tools()).tools}
    for name, tool in tools.items():
        expect(tool.description and tool.input_schema["type"] == "object", tool)
        fields = tool.input_schema["properties"].values()
        expect(all("description" in field for field in fields), tool.input_schema)
        expect(tool.annotations.read_only_hint == (name in READING), tool)
    return set(tools)


async def works(assistant, group):
    expect(await tools_of(assistant) == READING | WRITING, "the tools")
    checked = await assistant.get("check_file", path="first.csv")
    expect((checked["row_count"], checked["columns"][0]["type"]) == (2, "text"), checked)
    failed = await assistant.get("check_file", path="broken.csv")
    expect(failed["failure"]["code"] == "too_few_fields", failed)
    said = {"description": "by an assistant", "tags": ["mcp"], "metadata": {"run": 12}}
    first = (await assistant.get("push_file", path="first.csv", group=group, **said))["dataset"]
    expect((first["version_number"], first["tags"], first["metadata"]) == (1, ["mcp"], {"run": 12}), first)
    second = (await assistant.get("push_file", path="second.csv", group=group))["dataset"]
    await assistant.refused("too_few_fields", "push_file", path="broken.csv", group=group)
    failed = (await assistant.get("list_versions", group=group, status="failed"))["datasets"][0]

    groups = await assistant.get("list_groups", name="assist")
    expect([found["name"] for found in groups["dataset_groups"]] == [group], groups)
    listed = await assistant.get("list_versions", group=group, tag="mcp", metadata={"run": 12})
    expect([dataset["id"] for dataset in listed["datasets"]] == [first["id"]], listed)
    shown = await assistant.get("show_version", version=f"{group}@latest")
    expect(shown["dataset"]["id"] == second["id"], shown)
    page = await assistant.get("read_rows", version=str(first["id"]), per_page=1)
    expect((page["columns"], page["rows"], page["total"]) == (["id", "text"], [["1", "one"]], 2), page)
    page = await assistant.get("read_rows", version=f"{group}@2", page=2, per_page=1)
    expect(page["rows"][0][1] == "x" * 1_000 + "… (5000 bytes in all)", page)
    found = await assistant.get("search_rows", version=f"{group}@1", text="TWO")
    expect((found["rows"], found["is_complete"]) == ([["2", "two"]], True), found)
    columns = await assistant.get("summarize_columns", version=f"{group}@1")
    expect([column["name"] for column in columns["columns"]] == ["id", "text"], columns)
    compared = await assistant.get("compare_versions", old=f"{group}@1", new=f"{group}@2", key="id")
    expect(compared["rows"] == {"added": 0, "removed": 0, "changed": 1, "unchanged": 1}, compared)
    expect(compared["changed"][0][0] == ["2", "two"], compared)
    moved = await assistant.get("move_label", label="prod", version=f"{group}@1", expected=0)
    expect(moved["label"]["version_number"] == 1, moved)

    await assistant.refused("label_moved", "move_label", label="prod", version=f"{group}@2", expected=2)
    await assistant.refused("--files", "check_file", path="../outside.csv")
    await assistant.refused("--files", "push_file", path="link.csv", group=group)
    await assistant.refused("could not be read", "check_file", path="nothing.csv")
    await assistant.refused("pipe", "check_file", path="pipe.csv")
    await assistant.refused("directory", "check_file", path="folder.csv")
    await assistant.refused("must end with", "push_file", path="notes.txt", group=group)
    await assistant.refused("list_groups", "push_file", path="first.csv", group="other")
    await assistant.refused("neither", "show_version", version="nothing")
    await assistant.refused("dataset_not_found", "show_version", version=f"{group}@9")
    await assistant.refused("dataset_failed", "read_rows", version=str(failed["id"]))
    await assistant.refused("per_page", "read_rows", version=f"{group}@1", per_page=101)
    await assistant.refused("active, deleted", "list_versions", status="new")
    by_number = await assistant.get("show_version", version=first["id"])
    expect(by_number["dataset"]["id"] == first["id"], by_number)
    await assistant.refused("64 characters", "list_versions", tag="")
    await asyncio.gather(*(assistant.get("show_version", version=f"{group}@1") for _ in range(20)))


async def only_reads(assistant, group):
    expect(await tools_of(assistant) == READING, "the tools without --write")
    try:
        result = await assistant.call("move_label", label="prod", version=f"{group}@2")
    except Exception as error:
        expect("tool not found" in str(error), error)
    else:
        expect(result.is_error, result)
    label = (await assistant.get("show_version", version=f"{group}@prod"))["dataset"]
    expect(label["version_number"] == 1, label)


async def swapped(assistant, files):
    """A name that is a file of the directory now, and a way out of it then."""
    inside, outside, name = files / "inside", files / "outside", files / "swapped.csv"
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            inside.write_text("in\n1\n")
            inside.replace(name)
            outside.symlink_to("../outside.csv")
            outside.replace(name)

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen = 0
    try:
        for _ in range(300):
            result = await assistant.call("check_file", path=name.name)
            if not result.is_error:
                names = json.loads(result.content[0].text)["column_names"]
                expect(names == ["in"], names)
                seen += 1
    finally:
        stop.set()
        swapping.join()
    expect(seen > 0, "no file was met")


def stopped(group, files):
    """A push whose server is told to stop leaves no draft that waits."""
    large = files / "large.csv"
    large.write_text("a\n" + "some text\n" * 6_000_000)
    for wait in (0.1, 0.3, 0.6):
        server = subprocess.Popen(
            [DATASETS, "mcp", "--files", files, "--write"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "DATASETS_URL": URL, "DATASETS_API_KEY": KEY},
        )
        arguments = {"path": "large.csv", "group": group}
        for message in (
            {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": {"name": "push_file", "arguments": arguments}},
        ):
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            server.stdin.flush()
        time.sleep(wait)
        server.terminate()
        expect(server.wait(20) == 130, server.returncode)
    url = f"{URL}/api/public/v2/datasets?status=draft"
    deadline = time.monotonic() + 30
    while drafts := requests.get(url, headers={"X-API-KEY": KEY}).json()["datasets"]:
        # One whose file was whole is on its way.
        expect(time.monotonic() < deadline, drafts)
        time.sleep(0.2)


async def main():
    group = "An assistant's"
    made = requests.post(f"{URL}/api/public/v2/dataset-groups", headers={"X-API-KEY": KEY}, json={"name": group})
    expect(made.status_code == 201, made.text)
    with tempfile.TemporaryDirectory() as home:
        files = Path(home, "files")
        files.mkdir()
        for name, text in {
            "../outside.csv": "a\n1\n",
            "first.csv": "id,text\n1,one\n2,two\n",
            "second.csv": f"id,text\n1,one\n2,{'x' * 5_000}\n",
            "broken.csv": "id,text\n1\n",
            "notes.txt": "a\n",
        }.items():
            (files / name).write_text(text)
        (files / "link.csv").symlink_to("../outside.csv")
        (files / "folder.csv").mkdir()
        os.mkfifo(files / "pipe.csv")
        await assistant(lambda it: works(it, group), files, "--write")
        await assistant(lambda it: only_reads(it, group), files)
        await assistant(lambda it: swapped(it, files), files)
        stopped(group, files)


asyncio.run(main())
