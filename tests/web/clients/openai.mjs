// npm `openai`, as it is: its constructor takes the address to speak to.
import OpenAI from "openai";

import { finish, given, tell } from "./talk.mjs";

/** A client that tells the statuses it was answered with. */
function client(url, key, options = {}) {
  const statuses = [];
  const made = new OpenAI({
    baseURL: `${url}/v1`,
    apiKey: key,
    fetch: async (...request) => {
      const response = await fetch(...request);
      statuses.push(response.status);
      if (response.status === 503) await tell({ refused: response.headers.get("retry-after") });
      return response;
    },
    ...options,
  });
  return { statuses, create: (body) => made.moderations.create(body) };
}

async function refusal(request) {
  try {
    await request;
  } catch (error) {
    const { status, code, type, param, requestID } = error;
    return { class: error.constructor.name, isApiError: error instanceof OpenAI.APIError, status, code, type, param, requestID };
  }
  return "not refused";
}

const usual = client(given.url, given.key);
const answers = {};
for (const [name, input] of Object.entries(given.inputs)) answers[name] = await usual.create({ input });
answers.model = await usual.create({ input: given.inputs.text, model: "omni-moderation-latest" });

const refusals = {
  key: await refusal(client(given.url, `${given.key.slice(0, -1)}x`).create({ input: "x" })),
  scope: await refusal(client(given.url, given.reader).create({ input: "x" })),
  empty: await refusal(usual.create({ input: [] })),
  remote: await refusal(usual.create({ input: [{ type: "image_url", image_url: { url: "https://example.org/x.png" } }] })),
};

// A quota of ten at once is used up, then the client has to wait as long as it is told.
let limited;
const hasty = client(given.miserly, given.miserlyKey, { maxRetries: 0 });
for (let tries = 0; tries < 20 && refusals.quota?.status !== 429; tries++) {
  refusals.quota = await refusal(hasty.create({ input: Array(10).fill("x") }));
}
for (let tries = 0; tries < 20 && !limited?.includes(429); tries++) {
  const patient = client(given.miserly, given.miserlyKey);
  await patient.create({ input: "What a lovely song" });
  limited = patient.statuses;
}

// The server's store goes away and comes back when the first refusal has been told.
const persistent = client(given.url, given.key);
await tell("ready");
await persistent.create({ input: "What a lovely song" });

finish({ answers, refusals, limited, unavailable: persistent.statuses });
