import { get } from "./api.js";

/** Leads from the number of a version, or from `latest`, to the version. */
export async function show(_, [group, version], signal) {
  const { dataset } = await get(`dataset-groups/${group}/versions/${version}`, {}, signal);
  location.replace(`#/datasets/${dataset.id}`);
  return `Version ${version}`;
}
