/** The endpoints that a pod or a node asks for credentials: container credentials and IMDSv2. */
import type { AccessKeys } from "./access_keys.ts";
import { timestamp } from "./access_keys.ts";
import type { HttpRequest } from "./http.ts";
import type { Reply } from "./replies.ts";
import type { Trust } from "./sts.ts";

/** The role of the node, as IMDS names it. */
export const NODE_ROLE = "node-role";

/** What an endpoint was asked, and what it says. */
export interface CredentialsAnswer {
  readonly endpoint: string;
  readonly reply: Reply;
}

/** The credential endpoints of one emulator. */
export class CredentialEndpoints {
  readonly #keys: AccessKeys;
  readonly #trust: Trust;
  readonly #region: string;
  readonly #imdsTokens = new Set<string>();

  constructor(keys: AccessKeys, trust: Trust, region: string) {
    this.#keys = keys;
    this.#trust = trust;
    this.#region = region;
  }

  /** The answer to a request to one of the endpoints; undefined for other paths. */
  answer(request: HttpRequest): CredentialsAnswer | undefined {
    if (request.path === "/v1/credentials") {
      return { endpoint: "container", reply: this.#container(request) };
    }
    if (request.path === "/latest/api/token") {
      return { endpoint: "imds-token", reply: this.#imdsToken(request) };
    }
    if (request.path.startsWith(META_DATA)) {
      const path = request.path.slice(META_DATA.length);
      return { endpoint: `imds ${path}`, reply: this.#metaData(request, path) };
    }
    return undefined;
  }

  #container(request: HttpRequest): Reply {
    if (request.method !== "GET") return text(405, "Method Not Allowed");
    if (request.headers["authorization"] !== this.#trust.containerToken) {
      return json(403, {
        Code: "AccessDeniedException",
        Message: "The token in the Authorization header is not valid",
      });
    }
    const key = this.#keys.issue("container");
    return json(200, {
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
      Token: key.sessionToken,
      Expiration: timestamp(key.expires),
      RoleArn: this.#trust.roleArn,
    });
  }

  #imdsToken(request: HttpRequest): Reply {
    if (request.method !== "PUT") return text(405, "Method Not Allowed");
    const seconds = Number(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]);
    if (!(seconds >= 1 && seconds <= 21600)) return text(400, "Bad Request");
    const token = `imds-${crypto.randomUUID()}`;
    this.#imdsTokens.add(token);
    return {
      ...text(200, token),
      headers: {
        "content-type": "text/plain",
        "x-aws-ec2-metadata-token-ttl-seconds": String(seconds),
      },
    };
  }

  #metaData(request: HttpRequest, path: string): Reply {
    if (request.method !== "GET") return text(405, "Method Not Allowed");
    if (!this.#imdsTokens.has(request.headers["x-aws-ec2-metadata-token"] ?? "")) {
      return text(401, "Unauthorized");
    }
    switch (path) {
      case "placement/region":
        return text(200, this.#region);
      case "iam/security-credentials":
      case "iam/security-credentials/":
        return text(200, NODE_ROLE);
      case `iam/security-credentials/${NODE_ROLE}`:
        return this.#nodeCredentials();
      default:
        return text(404, "Not Found");
    }
  }

  #nodeCredentials(): Reply {
    const key = this.#keys.issue("imds");
    return json(200, {
      Code: "Success",
      Type: "AWS-HMAC",
      LastUpdated: timestamp(Date.now()),
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
      Token: key.sessionToken,
      Expiration: timestamp(key.expires),
    });
  }
}

const META_DATA = "/latest/meta-data/";

function json(status: number, value: Readonly<Record<string, string>>): Reply {
  const headers = { "content-type": "application/json" };
  return { status, headers, body: JSON.stringify(value) };
}

function text(status: number, body: string): Reply {
  return { status, headers: { "content-type": "text/plain" }, body };
}
