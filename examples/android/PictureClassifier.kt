// MediaPipe Tasks on Android; README.md says what lies where.

import android.content.Context
import android.graphics.Bitmap
import android.graphics.ImageDecoder
import android.net.Uri
import com.google.mediapipe.framework.image.BitmapImageBuilder
import com.google.mediapipe.tasks.core.BaseOptions
import com.google.mediapipe.tasks.vision.imageclassifier.ImageClassifier
import kotlin.math.max
import kotlin.math.min

private const val MODEL = "student.tflite"

/** Classifies pictures, with the model in the app's assets. */
class PictureClassifier(private val context: Context) : AutoCloseable {
    private val classifier = ImageClassifier.createFromOptions(
        context,
        ImageClassifier.ImageClassifierOptions.builder()
            .setBaseOptions(BaseOptions.builder().setModelAssetPath(MODEL).build())
            .setMaxResults(3)
            .build()
    )

    // keras_artkd.json lies in the model as it is, in an archive at its end.
    private val text = context.assets.open(MODEL).use {
        String(it.readBytes(), Charsets.ISO_8859_1)
    }
    private val shortSide = setting("short_side")
    private val cropSize = setting("crop_size")
    private val imageSize = setting("image_size")

    private fun setting(name: String): Int =
        Regex("\"$name\": (\\d+)").find(text)!!.groupValues[1].toInt()

    /** The best classes and their probabilities; not on the main thread. */
    fun classify(picture: Uri): List<Pair<String, Float>> {
        val source = ImageDecoder.createSource(context.contentResolver, picture)
        val bitmap = ImageDecoder.decodeBitmap(source) { decoder, info, _ ->
            decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
            if (info.mimeType == "image/jpeg") { // Others would skip pixels.
                val side = min(info.size.width, info.size.height)
                decoder.setTargetSampleSize(max(1, side / (2 * shortSide)))
            }
        }
        val (width, height) = bitmap.width to bitmap.height
        val whole = Pixels(width, height, IntArray(width * height))
        bitmap.getPixels(whole.data, 0, width, 0, 0, width, height)
        val seen = square(whole, shortSide, cropSize, imageSize)
        val input = Bitmap.createBitmap(
            seen.data, imageSize, imageSize, Bitmap.Config.ARGB_8888
        )
        val result = classifier.classify(BitmapImageBuilder(input).build())
        val classes = result.classificationResult().classifications()[0]
        return classes.categories().map { it.categoryName() to it.score() }
    }

    override fun close() = classifier.close()
}
