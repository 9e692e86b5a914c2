// npm `googleapis-common`, the core of Google's Node client: it is built from the discovery document.
import { Discovery } from "googleapis-common";

import { HOST, relay } from "./relay.mjs";
import { finish, given } from "./talk.mjs";

const path = "/$discovery/rest?version=v1alpha1";

async function refusal(request) {
  try {
    await request;
  } catch (error) {
    return { name: error.constructor.name, message: error.message, status: error.status, code: error.code, body: error.response?.data };
  }
  return "not refused";
}

const makeClient = await new Discovery().discoverAPI(`${given.url}${path}`);
const { comments } = makeClient({ auth: given.key });
const analyzed = {};
for (const [name, requestBody] of Object.entries(given.requests)) {
  analyzed[name] = (await comments.analyze({ requestBody })).data;
}
// The way of Google's own sample: key and `resource` with each call, answered through a callback.
const sample = await new Promise((resolve, reject) =>
  makeClient({}).comments.analyze({ key: given.key, resource: given.requests.plain }, (error, response) =>
    error ? reject(error) : resolve(response.data),
  ),
);
const suggested = (await comments.suggestscore({ requestBody: given.suggestion })).data;
const refusals = {};
for (const [name, requestBody] of Object.entries(given.refused)) {
  refusals[name] = await refusal(comments.analyze({ requestBody }));
}
refusals.key = await refusal(makeClient({ auth: "AIzaUnknown" }).comments.analyze({ requestBody: given.requests.plain }));

// The same with Google's own address, where the operator leads that to Holdfast.
const end = await relay(given.url, given.certificate);
const moved = (await new Discovery().discoverAPI(`https://${HOST}${path}`))({ auth: given.key });
const elsewhere = (await moved.comments.analyze({ requestBody: given.requests.plain })).data;
end();

finish({ analyzed, sample, suggested, refusals, elsewhere });
