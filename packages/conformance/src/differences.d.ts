/** Where two JSON values differ, each as `path: before → after`, at most so many. Empty when they are equal. */
export declare function differences(before: unknown, after: unknown, limit?: number): string[];
