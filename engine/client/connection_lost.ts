/** The connection is gone, or never came to be. What was unanswered may or may not have happened. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  readonly code = "CONNECTION_LOST";
}
