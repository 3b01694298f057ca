/** Texts of grpc-js for a stream that the server reset without a status, as one that shuts down does: with the codes 0 and 8. */
const reset = /^(Received RST_STREAM with code 0\b|Call cancelled$)/;

/** Returns the reason why a session or a heartbeat failed, for people, given the text of grpc-js. */
export function reasonIn(details: string): string {
  return reset.test(details) ? 'the controller closed the session; it probably shut down' : details;
}
