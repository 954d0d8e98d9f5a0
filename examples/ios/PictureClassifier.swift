// MediaPipe Tasks on iOS; README.md says what lies where.

import MediaPipeTasksVision
import UIKit

/// Classifies pictures, with `student.tflite` in the app's bundle.
final class PictureClassifier {
  private let classifier: ImageClassifier
  private let text: String

  init() throws {
    let model = Bundle.main.url(forResource: "student", withExtension: "tflite")!
    let options = ImageClassifierOptions()
    options.baseOptions.modelAssetPath = model.path
    options.maxResults = 3
    classifier = try ImageClassifier(options: options)
    // keras_artkd.json lies in the model as it is, in an archive at its end.
    text = String(data: try Data(contentsOf: model), encoding: .isoLatin1)!
  }

  private func setting(_ name: String) -> Int {
    let pattern = "(?<=\"\(name)\": )[0-9]+"
    return Int(text[text.range(of: pattern, options: .regularExpression)!])!
  }

  /// The best classes and their probabilities; not on the main thread.
  func classify(_ picture: UIImage) throws -> [(name: String, probability: Float)] {
    let seen = square(
      pixels(of: picture), shortSide: setting("short_side"),
      cropSize: setting("crop_size"), imageSize: setting("image_size"))
    let result = try classifier.classify(image: MPImage(uiImage: image(of: seen)))
    return result.classificationResult.classifications[0].categories.map {
      ($0.categoryName ?? "", $0.score)
    }
  }

  /// The picture upright, as EXIF says, over white.
  private func pixels(of picture: UIImage) -> Pixels {
    let width = Int(picture.size.width * picture.scale)
    let height = Int(picture.size.height * picture.scale)
    let frame = CGRect(x: 0, y: 0, width: width, height: height)
    let context = self.context(width, height)
    context.setFillColor(UIColor.white.cgColor)
    context.fill(frame)
    // UIKit draws from the top.
    context.translateBy(x: 0, y: CGFloat(height))
    context.scaleBy(x: 1, y: -1)
    UIGraphicsPushContext(context)
    picture.draw(in: frame)
    UIGraphicsPopContext()
    let bytes = UnsafeRawBufferPointer(start: context.data!, count: 4 * width * height)
    return Pixels(width: width, height: height, data: [UInt8](bytes))
  }

  private func image(of pixels: Pixels) -> UIImage {
    let context = self.context(pixels.width, pixels.height)
    context.data!.copyMemory(from: pixels.data, byteCount: pixels.data.count)
    return UIImage(cgImage: context.makeImage()!)
  }

  private func context(_ width: Int, _ height: Int) -> CGContext {
    CGContext(
      data: nil, width: width, height: height, bitsPerComponent: 8,
      bytesPerRow: 4 * width, space: CGColorSpace(name: CGColorSpace.sRGB)!,
      bitmapInfo: CGImageAlphaInfo.premultipliedLast.rawValue)!
  }
}
