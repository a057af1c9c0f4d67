/** The endpoints that give a pod or a node credentials: container credentials and IMDSv2. */
import { type AccessKey, type AccessKeys, timestamp } from "./access_keys.ts";
import type { ActionName } from "./faults.ts";
import type { HttpRequest } from "./http.ts";
import type { Reply } from "./replies.ts";
import type { Trust } from "./sts.ts";

/** The role of the node, as IMDS names it. */
const NODE_ROLE = "node-role";
const META_DATA = "/latest/meta-data/";

/** Which endpoint a request is for, and what it says. */
export interface CredentialsAnswer {
  readonly endpoint: string;
  /** How fault rules name it. */
  readonly action: ActionName;
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
    const { path } = request;
    if (path === "/v1/credentials") {
      const reply = this.#container(request);
      return { endpoint: "container", action: "ContainerCredentials", reply };
    }
    const action = "InstanceMetadata";
    if (path === "/latest/api/token") {
      return { endpoint: "imds-token", action, reply: this.#imdsToken(request) };
    }
    if (!path.startsWith(META_DATA)) return undefined;
    const name = path.slice(META_DATA.length);
    return { endpoint: `imds ${name}`, action, reply: this.#metaData(request, name) };
  }

  #container({ method, headers }: HttpRequest): Reply {
    if (method !== "GET") return text(405, "Method Not Allowed");
    if (headers["authorization"] !== this.#trust.containerToken) {
      const Message = "The token in the Authorization header is not valid";
      return json(403, { Code: "AccessDeniedException", Message });
    }
    const key = this.#keys.issue("container");
    return json(200, { ...fieldsOf(key), RoleArn: this.#trust.roleArn });
  }

  #imdsToken({ method, headers }: HttpRequest): Reply {
    if (method !== "PUT") return text(405, "Method Not Allowed");
    const ttl = "x-aws-ec2-metadata-token-ttl-seconds";
    const seconds = Number(headers[ttl]);
    if (!(seconds >= 1 && seconds <= 21600)) return text(400, "Bad Request");
    const token = `imds-${crypto.randomUUID()}`;
    this.#imdsTokens.add(token);
    const reply = text(200, token);
    return { ...reply, headers: { ...reply.headers, [ttl]: String(seconds) } };
  }

  #metaData({ method, headers }: HttpRequest, path: string): Reply {
    if (method !== "GET") return text(405, "Method Not Allowed");
    if (!this.#imdsTokens.has(headers["x-aws-ec2-metadata-token"] ?? "")) {
      return text(401, "Unauthorized");
    }
    switch (path) {
      case "placement/region":
        return text(200, this.#region);
      case "iam/security-credentials":
      case "iam/security-credentials/":
        return text(200, NODE_ROLE);
      case `iam/security-credentials/${NODE_ROLE}`: {
        const meta = { Code: "Success", Type: "AWS-HMAC", LastUpdated: timestamp(Date.now()) };
        return json(200, { ...meta, ...fieldsOf(this.#keys.issue("imds")) });
      }
      default:
        return text(404, "Not Found");
    }
  }
}

function fieldsOf(key: Required<AccessKey>) {
  return {
    AccessKeyId: key.accessKeyId,
    SecretAccessKey: key.secretAccessKey,
    Token: key.sessionToken,
    Expiration: timestamp(key.expires),
  };
}

function json(status: number, value: Readonly<Record<string, string>>): Reply {
  const headers = { "content-type": "application/json" };
  return { status, headers, body: JSON.stringify(value) };
}

function text(status: number, body: string): Reply {
  return { status, headers: { "content-type": "text/plain" }, body };
}
