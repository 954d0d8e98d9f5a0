// What becomes of a picture before the network sees it, as keras_artkd.json
// inside the model says: the very pixels of `artkd predict`.

/// RGBA pixels, row by row.
struct Pixels {
  let width: Int
  let height: Int
  var data: [UInt8]
}

/// A kernel of a resize: how far it reaches, and its value at a distance.
private struct Kernel {
  let reach: Double
  let at: (Double) -> Double
}

private let bicubic = Kernel(reach: 2) { x in
  if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
  return x < 2 ? ((2.5 - 0.5 * x) * x - 4) * x + 2 : 0
}
private let triangle = Kernel(reach: 1) { x in max(0, 1 - x) }

/// Resizes the rows, with antialiasing, and swaps rows and columns.
private func resizeRows(_ image: Pixels, _ size: Int, _ kernel: Kernel) -> Pixels {
  let scale = Double(image.width) / Double(size)
  let spread = max(scale, 1)
  let reach = kernel.reach * spread
  var result = [UInt8](repeating: 255, count: 4 * size * image.height)
  for i in 0..<size {
    let centre = (Double(i) + 0.5) * scale
    let first = max(0, Int((centre - reach + 0.5).rounded(.down)))
    let end = min(image.width, Int((centre + reach + 0.5).rounded(.down)))
    let weights = (first..<end).map { kernel.at(abs(Double($0) + 0.5 - centre) / spread) }
    let sum = weights.reduce(0, +)
    for row in 0..<image.height {
      for channel in 0..<3 {
        var value = 0.0
        var at = 4 * (row * image.width + first) + channel
        for weight in weights {
          value += weight * Double(image.data[at])
          at += 4
        }
        let level = min(255, max(0, (value / sum).rounded()))
        result[4 * (i * image.height + row) + channel] = UInt8(level)
      }
    }
  }
  return Pixels(width: image.height, height: size, data: result)
}

private func resize(_ image: Pixels, _ width: Int, _ height: Int, _ kernel: Kernel) -> Pixels {
  resizeRows(resizeRows(image, width, kernel), height, kernel)
}

/// The square that the network sees of an upright picture (fit "crop").
func square(_ image: Pixels, shortSide: Int, cropSize: Int, imageSize: Int) -> Pixels {
  let scale = Double(shortSide) / Double(min(image.width, image.height))
  let width = Int((scale * Double(image.width)).rounded())
  let height = Int((scale * Double(image.height)).rounded())
  let small = resize(image, width, height, bicubic)
  let left = (width - cropSize) / 2
  let top = (height - cropSize) / 2
  var crop = Pixels(width: cropSize, height: cropSize, data: [])
  for row in top..<(top + cropSize) {
    let start = 4 * (row * width + left)
    crop.data += small.data[start..<(start + 4 * cropSize)]
  }
  return resize(crop, imageSize, imageSize, triangle)
}
