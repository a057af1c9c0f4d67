/** Where the application is, as `-wait-for` names it. */

/** What has to answer. `url` is what the log shows, without credentials. */
export type ApplicationAddress =
  /** Ready when it accepts connections. An IPv6 address stands without its brackets. */
  | {
    readonly kind: "tcp";
    readonly url: string;
    readonly hostname: string;
    readonly port: number;
  }
  /** Ready when a GET is answered with a status from 200 to 399. */
  | { readonly kind: "http"; readonly url: string };
