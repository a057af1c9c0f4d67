/** The version of this program; `CHANGELOG.md` tells what is in it. */
export const VERSION = "0.1.0";
