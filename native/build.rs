//! Sets the linker flags an addon needs.

fn main() {
    napi_build::setup();
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The image stays mapped when the last environment that loaded it ends: its threads may still run.
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}
