/**
 * How a command failed.
 *
 * - `failed`: what was asked for was tried and didn't succeed.
 * - `usage`: the command line, or a file that it names, is malformed.
 * - `notFound`: what was asked for by name isn't there.
 * - `unreachable`: no operator or plugin answers.
 */
export type CommandFailure = 'failed' | 'usage' | 'notFound' | 'unreachable';
/** A failure of a command. The message is a sentence for the user: what happened, to what, and what to do next. */
export declare class CommandError extends Error {
    readonly name = "CommandError";
    readonly failure: CommandFailure;
    constructor(failure: CommandFailure, message: string, options?: {
        cause?: unknown;
    });
}
