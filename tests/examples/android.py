"""Declarations of what the Android sample uses of Android and MediaPipe.

As `google-ai-edge/mediapipe` has them in mediapipe/tasks/java, and Android's
reference of API level 28: the sample is compiled against them.
"""

_MEDIAPIPE = "com.google.mediapipe"
_CONTAINERS = f"{_MEDIAPIPE}.tasks.components.containers"
_CLASSIFIER = f"{_MEDIAPIPE}.tasks.vision.imageclassifier"

# Class -> Java.
_CLASSES = {
    "android.net.Uri": "public class Uri {}",
    "android.content.ContentResolver": "public class ContentResolver {}",
    "android.content.res.AssetManager": """public class AssetManager {
        public java.io.InputStream open(String name) { return null; }
    }""",
    "android.content.Context": """public abstract class Context {
        public abstract ContentResolver getContentResolver();
        public abstract android.content.res.AssetManager getAssets();
    }""",
    "android.util.Size": """public final class Size {
        public int getWidth() { return 0; }
        public int getHeight() { return 0; }
    }""",
    "android.graphics.Bitmap": """public final class Bitmap {
        public enum Config { ARGB_8888 }
        public int getWidth() { return 0; }
        public int getHeight() { return 0; }
        public void getPixels(int[] pixels, int offset, int stride, int x,
            int y, int width, int height) {}
        public static Bitmap createBitmap(int[] colors, int width, int height,
            Config config) { return null; }
    }""",
    "android.graphics.ImageDecoder": """public final class ImageDecoder {
        public static final int ALLOCATOR_SOFTWARE = 1;
        public static class Source {}
        public static class ImageInfo {
            public android.util.Size getSize() { return null; }
            public String getMimeType() { return null; }
        }
        public interface OnHeaderDecodedListener {
            void onHeaderDecoded(ImageDecoder decoder, ImageInfo info,
                Source source);
        }
        public static Source createSource(
            android.content.ContentResolver resolver, android.net.Uri uri) {
            return null;
        }
        public static Bitmap decodeBitmap(Source source,
            OnHeaderDecodedListener listener) { return null; }
        public int getAllocator() { return 0; }
        public void setAllocator(int allocator) {}
        public void setTargetSampleSize(int size) {}
    }""",
    f"{_MEDIAPIPE}.framework.image.MPImage": "public class MPImage {}",
    f"{_MEDIAPIPE}.framework.image.BitmapImageBuilder": """
    public class BitmapImageBuilder {
        public BitmapImageBuilder(android.graphics.Bitmap bitmap) {}
        public MPImage build() { return null; }
    }""",
    f"{_MEDIAPIPE}.tasks.core.BaseOptions": """
    public abstract class BaseOptions {
        public abstract static class Builder {
            public abstract Builder setModelAssetPath(String value);
            public final BaseOptions build() { return null; }
        }
        public static Builder builder() { return null; }
    }""",
    f"{_CONTAINERS}.Category": """public abstract class Category {
        public abstract float score();
        public abstract String categoryName();
    }""",
    f"{_CONTAINERS}.Classifications": """
    public abstract class Classifications {
        public abstract java.util.List<Category> categories();
    }""",
    f"{_CONTAINERS}.ClassificationResult": """
    public abstract class ClassificationResult {
        public abstract java.util.List<Classifications> classifications();
    }""",
    f"{_CLASSIFIER}.ImageClassifierResult": f"""
    public abstract class ImageClassifierResult {{
        public abstract {_CONTAINERS}.ClassificationResult
            classificationResult();
    }}""",
    f"{_CLASSIFIER}.ImageClassifier": f"""
    public final class ImageClassifier implements AutoCloseable {{
        public static ImageClassifier createFromOptions(
            android.content.Context context, ImageClassifierOptions options) {{
            return null;
        }}
        public ImageClassifierResult classify(
            {_MEDIAPIPE}.framework.image.MPImage image) {{ return null; }}
        @Override public void close() {{}}
        public abstract static class ImageClassifierOptions {{
            public abstract static class Builder {{
                public abstract Builder setBaseOptions(
                    {_MEDIAPIPE}.tasks.core.BaseOptions baseOptions);
                public abstract Builder setMaxResults(Integer maxResults);
                public final ImageClassifierOptions build() {{ return null; }}
            }}
            public static Builder builder() {{ return null; }}
        }}
    }}""",
}


def write_declarations(folder):
    """Writes them as a source tree of Java."""
    for name, body in _CLASSES.items():
        path = folder.joinpath(*name.split(".")).with_suffix(".java")
        path.parent.mkdir(parents=True, exist_ok=True)
        package = name.rpartition(".")[0]
        path.write_text(f"package {package};\n{body}\n")
