//! Raster files as printer drivers make them.

/// Pixels of a page: rows of red, green, blue.
#[derive(Clone)]
pub struct Sheet {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

impl Sheet {
    /// White with a bar of this colour across, a third of the height.
    pub fn with_bar(width: u32, height: u32, colour: [u8; 3]) -> Self {
        let pixel = |y: u32| if (height / 3..height * 2 / 3).contains(&y) { colour } else { [255; 3] };
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |_| pixel(y))).collect();
        Self { width, height, rgb }
    }

    /// A byte a pixel.
    fn gray(&self) -> Self {
        Self { rgb: self.rgb.chunks(3).map(|pixel| pixel[1]).collect(), ..*self }
    }

    /// A bit a pixel, as wide as its bytes.
    fn black(&self) -> Self {
        let gray = self.gray();
        let byte = |pixels: &[u8]| {
            (0..8).fold(0, |byte, at| byte << 1 | u8::from(pixels.get(at).is_some_and(|gray| *gray < 128)))
        };
        let rows = gray.rgb.chunks(self.width as usize);
        Self {
            width: self.width.div_ceil(8),
            height: self.height,
            rgb: rows.flat_map(|row| row.chunks(8).map(byte)).collect(),
        }
    }
}

/// How pixels are written, as `pwg-raster-document-type-supported` names them.
#[derive(Clone, Copy, Debug)]
pub enum Ink {
    Srgb8,
    Sgray8,
    Black1,
}

/// PWG raster.
pub fn pwg(sheets: &[Sheet], ink: Ink, dpi: u32) -> Vec<u8> {
    let mut file = b"RaS2".to_vec();
    for sheet in sheets {
        let (bits, pixel, space) = match ink {
            Ink::Srgb8 => (8, 24, 19),
            Ink::Sgray8 => (8, 8, 18),
            Ink::Black1 => (1, 1, 3),
        };
        let mut head = pwg_head(sheet.width, sheet.height, bits, pixel, space);
        head[276..280].copy_from_slice(&dpi.to_be_bytes());
        file.extend(head);
        match ink {
            Ink::Srgb8 => runs(sheet, 3, &mut file),
            Ink::Sgray8 => runs(&sheet.gray(), 1, &mut file),
            Ink::Black1 => runs(&sheet.black(), 1, &mut file),
        }
    }
    file
}

/// The head of a page.
pub fn pwg_head(width: u32, height: u32, bits: u32, pixel: u32, space: u32) -> Vec<u8> {
    let mut head = vec![0; 1_796];
    head[..9].copy_from_slice(b"PwgRaster");
    let line = (width.saturating_mul(pixel)).div_ceil(8);
    for (at, number) in
        [(276, 150), (280, 150), (372, width), (376, height), (384, bits), (388, pixel), (392, line), (400, space)]
    {
        head[at..at + 4].copy_from_slice(&number.to_be_bytes());
    }
    head
}

/// Apple raster, 8-bit gray at 150 dpi.
pub fn urf(sheets: &[Sheet]) -> Vec<u8> {
    let mut file = b"UNIRAST\0".to_vec();
    file.extend(u32::try_from(sheets.len()).unwrap().to_be_bytes());
    for sheet in sheets {
        file.extend(urf_head(sheet.width, sheet.height));
        runs(&sheet.gray(), 1, &mut file);
    }
    file
}

/// The head of a page.
pub fn urf_head(width: u32, height: u32) -> Vec<u8> {
    let mut head = vec![8, 0, 1, 4, 0, 0, 0, 1, 0, 0, 0, 0];
    for number in [width, height, 150, 0, 0] {
        head.extend(number.to_be_bytes());
    }
    head
}

/// Rows that repeat are written once; every other pair of pixels as a run, the rest one by one.
fn runs(sheet: &Sheet, pixel: usize, file: &mut Vec<u8>) {
    let rows: Vec<&[u8]> = sheet.rgb.chunks(sheet.width as usize * pixel).collect();
    let mut y = 0;
    while y < rows.len() {
        let alike = rows[y..].iter().take_while(|row| **row == rows[y]).take(256).count();
        file.push(u8::try_from(alike - 1).unwrap());
        let pixels: Vec<&[u8]> = rows[y].chunks(pixel).collect();
        let mut x = 0;
        while x < pixels.len() {
            let same = pixels[x..].iter().take_while(|other| **other == pixels[x]).take(128).count();
            if same > 1 {
                file.push(u8::try_from(same - 1).unwrap());
                file.extend(pixels[x]);
                x += same;
            } else {
                let many = pixels[x..].windows(2).take_while(|two| two[0] != two[1]).take(127).count() + 1;
                let many = many.min(pixels.len() - x);
                match many {
                    1 => file.push(0),
                    many => file.push(u8::try_from(257 - many).unwrap()),
                }
                pixels[x..x + many].iter().for_each(|pixel| file.extend(*pixel));
                x += many;
            }
        }
        y += alike;
    }
}
