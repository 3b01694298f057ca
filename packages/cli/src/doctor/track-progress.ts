/** Shows the name of a target while a request to it is in progress, and returns the result of the request. */
export type TrackProgress = <T>(target: string, work: Promise<T>) => Promise<T>;
