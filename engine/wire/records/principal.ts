/**
 * A principal as it travels inside Envelope requests and delegation tokens: an int16 version, then
 * these fields.
 */
import { bool, message, string } from "../schema.ts";

export const defaultPrincipalData = message({
  name: "DefaultPrincipalData",
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    type: string(),
    name: string(),
    tokenAuthenticated: bool(),
  }),
});
