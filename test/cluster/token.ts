export const token = 'a token for tests';
