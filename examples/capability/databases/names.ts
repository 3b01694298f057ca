/** Name of the database that an application gets, and of its user. */
export const database = 'app';
export const user = 'app';
