/** What of a request must never be read in a log. */

/** The parts of a request that may hold secrets. */
interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Error messages of AWS repeat headers and parameters of the request; this leaves them out. */
export function withoutSecretsOf(request: SignedRequest, reply: string): string {
  return secretsOf(request).reduce((text, secret) => text.replaceAll(secret, "…"), reply);
}

function secretsOf({ headers, body }: SignedRequest): string[] {
  const form = new URLSearchParams(typeof body === "string" ? body : "");
  const secrets = [
    headers["x-amz-security-token"],
    /Signature=(\w+)/.exec(headers["authorization"] ?? "")?.[1],
    form.get("WebIdentityToken")?.trim(),
  ];
  return secrets.flatMap((secret) => secret ? [secret, encodeURIComponent(secret)] : []);
}
