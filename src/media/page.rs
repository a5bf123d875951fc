//! A drawn page, ready to be laid on the screen.

use super::face::layer::Image;
use crate::core::share::Look;
use crate::model::DocumentId;
use std::sync::Arc;

/// Pixels of a part of a page, drawn for this screen. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PagePicture {
    id: DocumentId,
    look: Look,
    size: (u32, u32),
    image: Arc<Image>,
}

impl PagePicture {
    /// `bgrx`: rows from the top without gaps, four bytes a pixel, the last one 255; none if there are fewer than that.
    pub fn new(id: DocumentId, look: Look, size: (u32, u32), bgrx: &[u8]) -> Option<Self> {
        let width = usize::try_from(size.0).ok().filter(|width| *width > 0)?;
        let whole = width.checked_mul(4)?.checked_mul(usize::try_from(size.1).ok()?)? == bgrx.len();
        whole.then(|| Self { id, look, size, image: Arc::new(Image::new(bgrx, width * 4, width)) })
    }

    /// Of which document.
    pub fn id(&self) -> DocumentId {
        self.id
    }

    /// Of which part.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Pixels across and down.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Width by height.
    pub(super) fn shape(&self) -> f64 {
        f64::from(self.size.0) / f64::from(self.size.1.max(1))
    }

    pub(super) fn image(&self) -> &Arc<Image> {
        &self.image
    }
}

/// The same drawing.
impl PartialEq for PagePicture {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.image, &other.image) && (self.id, self.look) == (other.id, other.look)
    }
}
