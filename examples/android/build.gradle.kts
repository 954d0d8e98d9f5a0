// What the module of your app needs besides.
android {
    defaultConfig {
        minSdk = 28 // ImageDecoder turns photographs as EXIF says.
    }
    androidResources {
        noCompress += "tflite" // The model is mapped into memory.
    }
}

dependencies {
    implementation("com.google.mediapipe:tasks-vision:1.0.0")
}
