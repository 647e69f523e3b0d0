//! The annotation formats, one file each. A reader streams [`Item`](super::item::Item)s in an order
//! that depends on names only. Shared parts: `sidecar`, `entry_table`, `segmentation`.

pub mod coco;
pub mod folder;
pub mod imagenet_loc;
pub mod labelme;
pub mod manifest;
pub mod masks;
pub mod open_images;
pub mod parquet_images;
pub mod sidecar;
pub mod voc;
pub mod webdataset;
pub mod wsol;
pub mod yolo;
mod coco_json;
mod entry_table;
mod huggingface;
mod manifest_csv;
mod manifest_parquet;
mod manifest_row;
mod parquet_cells;
mod mask_limits;
mod segmentation;
