// For clients that know one address only, https://commentanalyzer.googleapis.com: what an operator does in DNS and in
// a TLS proxy before Holdfast, done inside this process. The clients stay as they are, with the URL and the TLS that
// they have: their connections end at the relay, whose certificate they check as they would Google's (against the
// throw-away authority in NODE_EXTRA_CA_CERTS), and the relay passes on what they sent.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

export const HOST = "commentanalyzer.googleapis.com";

class Redirected extends https.Agent {
  constructor(port) {
    super();
    this.port_ = port;
  }

  createConnection(options, done) {
    if (options.servername !== HOST) throw new Error(`nobody should speak to ${options.servername}`);
    return super.createConnection({ ...options, host: "127.0.0.1", port: this.port_ }, done);
  }
}

/** Start a relay to `url`; `seen` is given each request that passes. Returns what ends it. */
export async function relay(url, certificate, seen = () => {}) {
  const to = new URL(url);
  const pem = readFileSync(certificate);
  const server = https.createServer({ key: pem, cert: pem }, (request, response) => {
    seen({ method: request.method, url: request.url, headers: request.headers });
    const passed = http.request(
      {
        host: to.hostname,
        port: to.port,
        method: request.method,
        path: request.url,
        headers: { ...request.headers, "x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.7" },
      },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      },
    );
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  // The clients give no agent of their own, so theirs is this.
  https.globalAgent = new Redirected(server.address().port);
  return () => {
    https.globalAgent.destroy();
    server.close();
    server.closeAllConnections();
  };
}
