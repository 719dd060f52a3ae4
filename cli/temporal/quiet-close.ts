/** Closes a connection while some requests, for which nobody waits any more, are still to be tried again. Without this
 *  each of them would throw out of its timer, and end the command with an error after everything was done. */
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor, type Connection } from '@temporalio/client';

type Interceptor = ReturnType<typeof makeGrpcRetryInterceptor>;
type Call = ReturnType<Parameters<Interceptor>[1]>;

const nothing = (): void => undefined;
/** A request that is never sent and never answered. */
const UNSENT = {
  start: nothing,
  sendMessage: nothing,
  sendMessageWithContext: nothing,
  startRead: nothing,
  halfClose: nothing,
  cancelWithStatus: nothing,
  getPeer: () => '',
  getAuthContext: () => null,
} as Call;

/** The client's own retries, which end with the connection. */
export class RetriesUntilClosed {
  #isClosed = false;

  readonly interceptor: Interceptor = (options, nextCall) =>
    this.#retries(options, (again) => (this.#isClosed ? UNSENT : nextCall(again)));

  readonly #retries = makeGrpcRetryInterceptor(defaultGrpcRetryOptions());

  /** @returns the connection; when it is closed, the retries end. */
  endWith(connection: Connection): Connection {
    const close = connection.close.bind(connection);
    return Object.assign(connection, {
      close: (): Promise<void> => {
        this.#isClosed = true;
        return close();
      },
    });
  }
}
