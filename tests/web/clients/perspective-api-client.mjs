// npm `perspective-api-client`: its one address is written into it.
import Perspective from "perspective-api-client";

import { relay } from "./relay.mjs";
import { finish, given } from "./talk.mjs";

async function refusal(request) {
  try {
    await request;
  } catch (error) {
    return { name: error.name, message: error.message, status: error.response?.status, body: error.response?.data };
  }
  return "not refused";
}

const requests = [];
const end = await relay(given.url, given.certificate, (request) => requests.push(request));
const client = new Perspective({ apiKey: given.key });

const analyzed = {
  text: await client.analyze(given.text),
  html: await client.analyze(`<p>${given.text}</p>`),
  attributes: await client.analyze(given.text, { attributes: ["toxicity", "insult", "threat"] }),
  // A whole request may be given instead of a text.
  request: await client.analyze({
    comment: { text: given.text },
    requestedAttributes: { TOXICITY: { scoreThreshold: 0 } },
    spanAnnotations: true,
    clientToken: "c-17",
  }),
};
const refusals = {
  key: await refusal(new Perspective({ apiKey: "AIzaUnknown" }).analyze(given.text)),
  attribute: await refusal(client.analyze(given.text, { attributes: ["LIKELY_TO_REJECT"] })),
  empty: await refusal(client.analyze("", { validate: false })),
  long: await refusal(client.analyze("x ".repeat(10496), { validate: false })),
};
// What the client itself sees to, before anything is sent.
const sent = requests.length;
refusals.emptyHere = await refusal(client.analyze(""));
end();

finish({ analyzed, refusals, requests, unsent: requests.length - sent });
