//! Writes the pixels that the decoder gives: `pixels FOLDER < PATHS` writes `0.rgb`, `1.rgb`, .. and one line of
//! JSON for each path. For `tests/check_broken.py`.

use camaudit::dataset::Source;
use camaudit::input;
use std::io::BufRead;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_default());
    std::panic::set_hook(Box::new(|_| {}));
    for (index, path) in std::io::stdin().lock().split(0).enumerate() {
        let line = match pixels(path?) {
            Ok(photo) => {
                std::fs::write(folder.join(format!("{index}.rgb")), photo.rgb.as_raw())?;
                serde_json::json!({ "size": [photo.size.width, photo.size.height] })
            }
            Err(skip) => serde_json::json!({
                "reason": skip.reason.name(), "message": skip.message
            }),
        };
        #[allow(clippy::print_stdout)]
        {
            println!("{line}");
        }
    }
    Ok(())
}

fn pixels(path: Vec<u8>) -> Result<input::Photo, camaudit::error::Skip> {
    use std::os::unix::ffi::OsStringExt;
    let path = PathBuf::from(std::ffi::OsString::from_vec(path));
    let source = Source::File(path);
    input::decode(&input::read(&source)?)
}
