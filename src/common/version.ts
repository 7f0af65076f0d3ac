/** The version of this package. A test holds it to package.json and to Cargo.toml. */
export const version = '0.1.0';
