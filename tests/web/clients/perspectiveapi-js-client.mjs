// npm `@conversationai/perspectiveapi-js-client`, Google's own for Perspective: its one address is written into it.
import perspective from "@conversationai/perspectiveapi-js-client";

import { relay } from "./relay.mjs";
import { finish, given } from "./talk.mjs";

async function refusal(request) {
  try {
    await request;
  } catch (error) {
    return error.message;
  }
  return "not refused";
}

const requests = [];
const end = await relay(given.url, given.certificate, (request) => requests.push(request));
const client = new perspective.Client(given.key);

const scores = {
  usual: await client.getScores(given.text),
  attributes: await client.getScores(given.text, {
    attributes: ["TOXICITY", "SEVERE_TOXICITY_EXPERIMENTAL"],
    context: { entries: [{ text: "Did you like it?", type: "PLAIN_TEXT" }] },
    doNotStore: false,
    languages: ["en"],
    stripHtml: false,
  }),
};
const refusals = {
  key: await refusal(new perspective.Client("AIzaUnknown").getScores(given.text)),
  attribute: await refusal(client.getScores(given.text, { attributes: ["LIKELY_TO_REJECT"] })),
  language: await refusal(client.getScores(given.text, { languages: ["ja"] })),
};
end();

finish({ scores, refusals, requests });
