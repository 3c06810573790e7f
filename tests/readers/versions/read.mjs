// Like read.py, for the readers in Node. Takes the directory of their packages, the reader, and questions in
// JSON, in which an integer is a string like "12n".

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, reader, ...paths] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));

async function hyparquet({ file, columns, where }) {
  const { parquetQuery, parquetReadObjects } = await load("hyparquet");
  const { compressors } = await load("hyparquet-compressors");
  const bytes = readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const filter = where && { [where[0]]: { $gte: where[1], $lte: where[2] } };
  const objects = await (filter ? parquetQuery : parquetReadObjects)({ file: buffer, compressors, columns: columns ?? undefined, filter: filter ?? undefined });
  const names = columns ?? Object.keys(objects[0]);
  return { names, rows: objects.map((row) => names.map((name) => row[name] ?? null)) };
}

async function parquetWasm({ file, columns }) {
  const { ParquetFile } = require("parquet-wasm");
  const { tableFromIPC } = require("apache-arrow");
  const opened = await ParquetFile.fromFile(new Blob([readFileSync(file)]));
  const table = tableFromIPC((await opened.read(columns ? { columns } : {})).intoIPCStream());
  // Columns are returned in the order of the file.
  const names = columns ?? table.schema.fields.map(({ name }) => name);
  const all = names.map((name) => [...table.getChild(name)]);
  return { names, rows: Array.from({ length: table.numRows }, (_, row) => all.map((column) => column[row])) };
}

/** A value as a question has it. */
function plain(value, isJson) {
  if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    return `${value}n`;
  }
  return isJson && typeof value === "string" ? JSON.stringify(JSON.parse(value)) : value ?? null;
}

async function difference({ names, rows, json, ...question }) {
  const found = await (reader === "hyparquet" ? hyparquet : parquetWasm)(question);
  if (JSON.stringify(found.names) !== JSON.stringify(names)) {
    return `columns ${found.names.slice(0, 9)}`;
  }
  if (found.rows.length !== rows.length) {
    return `${found.rows.length} rows, not ${rows.length}`;
  }
  const isJson = names.map((name) => json.includes(name));
  for (const [number, row] of found.rows.entries()) {
    const wrong = row.findIndex((value, index) => plain(value, isJson[index]) !== rows[number][index]);
    if (wrong >= 0) {
      return `column ${names[wrong]}: ${String(plain(row[wrong], isJson[wrong])).slice(0, 60)}, not ${String(rows[number][wrong]).slice(0, 60)}`;
    }
  }
  return "ok";
}

for (const path of paths) {
  console.log(await difference(JSON.parse(readFileSync(path, "utf8"))).catch((error) => String(error).replaceAll(/\s+/g, " ")));
}
process.exit(0);
