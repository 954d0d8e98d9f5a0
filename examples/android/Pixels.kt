// What becomes of a picture before the network sees it, as keras_artkd.json
// inside the model says: the very pixels of `artkd predict`.

import kotlin.math.abs
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min
import kotlin.math.roundToInt

/** Pixels row by row, 0xAARRGGBB, as a Bitmap gives and takes them. */
class Pixels(val width: Int, val height: Int, val data: IntArray)

/** A kernel of a resize: how far it reaches, and its value at a distance. */
private class Kernel(val reach: Double, val at: (Double) -> Double)

private val bicubic = Kernel(2.0) { x ->
    when {
        x < 1 -> (1.5 * x - 2.5) * x * x + 1
        x < 2 -> ((2.5 - 0.5 * x) * x - 4) * x + 2
        else -> 0.0
    }
}
private val triangle = Kernel(1.0) { x -> max(0.0, 1 - x) }

/** Resizes the rows, with antialiasing, and swaps rows and columns. */
private fun resizeRows(image: Pixels, size: Int, kernel: Kernel): Pixels {
    val scale = image.width.toDouble() / size
    val spread = max(scale, 1.0)
    val reach = kernel.reach * spread
    val result = IntArray(size * image.height)
    for (i in 0 until size) {
        val centre = (i + 0.5) * scale
        val first = max(0, floor(centre - reach + 0.5).toInt())
        val end = min(image.width, floor(centre + reach + 0.5).toInt())
        val weights = DoubleArray(end - first) {
            kernel.at(abs(first + it + 0.5 - centre) / spread)
        }
        val sum = weights.sum()
        for (row in 0 until image.height) {
            var pixel = 0xFF shl 24
            for (shift in 0..16 step 8) {
                var value = 0.0
                for (j in weights.indices) {
                    val old = image.data[row * image.width + first + j]
                    value += weights[j] * (old shr shift and 0xFF)
                }
                val level = (value / sum).roundToInt().coerceIn(0, 255)
                pixel = pixel or (level shl shift)
            }
            result[i * image.height + row] = pixel
        }
    }
    return Pixels(image.height, size, result)
}

private fun resize(image: Pixels, width: Int, height: Int, kernel: Kernel) =
    resizeRows(resizeRows(image, width, kernel), height, kernel)

/** The square that the network sees of an upright picture (fit "crop"). */
fun square(image: Pixels, shortSide: Int, cropSize: Int, imageSize: Int): Pixels {
    val scale = shortSide / min(image.width, image.height).toDouble()
    val width = (scale * image.width).roundToInt()
    val small = resize(image, width, (scale * image.height).roundToInt(), bicubic)
    val left = (small.width - cropSize) / 2
    val top = (small.height - cropSize) / 2
    val crop = IntArray(cropSize * cropSize) {
        small.data[(top + it / cropSize) * small.width + left + it % cropSize]
    }
    return resize(Pixels(cropSize, cropSize, crop), imageSize, imageSize, triangle)
}
