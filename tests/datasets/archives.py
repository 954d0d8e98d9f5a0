"""Archives in their owners' layouts, small, with every trap known of them."""

import errno
import hashlib
import io
import os
import shutil
import tarfile

import numpy as np
import scipy.io
from PIL import Image

from keras_artkd.datasets.archives.wikiart import index as wikiart_index


def picture(path, seed=None, size=(24, 30)):
    """Writes a small JPEG, its content decided by a seed, or by its path."""
    if seed is None:
        seed = int(hashlib.md5(str(path).encode()).hexdigest()[:8], 16)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(noise_jpeg(seed, size))
    return path


def noise_jpeg(seed, size):
    """The bytes of a small JPEG, its content decided by a seed."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (*size, 3), dtype="uint8")
    return encoded(Image.fromarray(pixels), "JPEG", quality=85)


def encoded(image, image_format, **options):
    """A Pillow image as the bytes of a file."""
    stream = io.BytesIO()
    image.save(stream, image_format, **options)
    return stream.getvalue()


def forbid(monkeypatch, folder):
    """Makes a folder one that cannot be listed, even by the administrator."""
    scan = os.scandir

    def refuse(path):
        if os.fspath(path) == os.fspath(folder):
            reason = os.strerror(errno.EACCES)
            raise PermissionError(errno.EACCES, reason, os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)


# é and í as the lists have them, and as one tool unzips the former.
LISTED = "andrã©-lhote_rugby.jpg"
ON_DISK = "andrΓö£╨│Γö¼╨╣-lhote_rugby.jpg"


def csv_lines(path, keys, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{key},{labels[key.split('/')[0]]}\r\n" for key in keys]
    path.write_bytes("".join(rows).encode("utf-8"))


def make_wikiart(root):
    """Three styles of the 27, 12 train and 5 test images each, and traps."""
    labels = {"Art_Nouveau_Modern": 3, "Baroque": 4, "Cubism": 7}
    train, val = [], []
    for style in labels:
        for i in range(17):
            key = f"{style}/artist-{i % 6}_work-a.y.-{i}(1).jpg"
            picture(root / "wikiart" / key)
            (train if i < 12 else val).append(key)
    broken = "Baroque/rembrandt_woman-standing-with-raised-hands.jpg"
    (root / "wikiart" / broken).write_bytes(
        (root / "wikiart" / train[0]).read_bytes()[:500]
    )
    picture(root / "wikiart/Cubism" / ON_DISK)
    picture(root / "wikiart/Cubism/unlisted_work.jpg")
    (root / "wikiart/Cubism/Thumbs.db").write_bytes(b"x")
    (root / "wikiart/Cubism/notes.txt").write_bytes(b"x")
    # A test picture filed again under an earlier style, in train.
    shutil.copy(root / "wikiart" / val[-1], root / "wikiart/Baroque/copy_x.jpg")
    train += [
        broken,
        f"Cubism/{LISTED}",
        "Cubism/absent_work.jpg",
        "Baroque/copy_x.jpg",
    ]
    csv_lines(root / "wikiart_csv/style_train.csv", train, labels)
    csv_lines(root / "wikiart_csv/style_val.csv", val, labels)
    names = [*wikiart_index.CLASS_NAMES]
    names[3] = "Art_Nouveau"
    (root / "wikiart_csv/style_class.txt").write_text(
        "".join(f"{i} {name}\n" for i, name in enumerate(names))
    )
    return root


def make_pandora(root):
    for style in ("01_Byzantin_Iconography", "05_Baroque"):
        for artist in ("Andrei Rublev", "fra-angelico", "Rembrandt", "Goya"):
            for i in range(4):
                name = (
                    f"death-of-the-virgin-1469 {i}.{'jpg JPG'.split()[i % 2]}"
                )
                picture(root / "Pandora_18k" / style / artist / name)
    abstract = root / "Pandora_18k/16_AbstractArt/Abstract_Art"
    for artist in ("Kandinsky_Vassily", "_Klee", "c", "d"):
        for i in range(3):
            picture(abstract / artist / f"fugue-{i}.jpg")
    picture(abstract / "no-artist.jpg")
    (root / "Pandora_18k/Readme_Pandora18k.txt").write_text("x")
    (root / "Pandora_18k/05_Baroque/Goya/list.csv").write_text("x")
    return root


TRUTH = "MultitaskPainting100k_Dataset_groundtruth"


def make_painting100k(root):
    styles = [
        "Perceptism ",
        "Analytical\u00a0Realism",
        "Naïve Art (Primitivism)",
    ]
    lists = {"train": [], "test": []}
    for i in range(48):
        picture(root / "images" / f"{i}.jpg")
        row = f'{i}.jpg,"Artist, {i % 8}",{styles[i % 3]},genre'
        lists["train" if i < 33 else "test"].append(row)
    lists["train"] += [
        "900.jpg,x,Perceptism,g",  # absent
        '901.jpg,x," ",g',  # no style
        '40.jpg,"Artist, 0",Perceptism,g',  # in the test list as well
        '7.JPG,"Artist, 7",Perceptism,g',  # not on disk in that case: 7.jpg is
        "",
    ]
    picture(root / "images" / "999.jpg")
    (root / "images" / "__MACOSX").mkdir()
    header = "filename,artist,style,genre\r\n"
    for name, rows in lists.items():
        path = root / TRUTH / f"groundtruth_multiloss_{name}_header.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(header + "\r\n".join(rows), "utf-8")
    return root


CIFAR_NAMES = ["tea", "oak", "owl", "fig"]


def make_cifar100(path, train, test):
    """The archive of `(images, labels)` pairs, four classes of a hundred."""
    names = "\n".join(CIFAR_NAMES + [f"x{i}" for i in range(96)]) + "\n"
    coarse = "\n".join(f"c{i}" for i in range(20)) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for split, (images, labels) in (("train", train), ("test", test)):
            rows = [
                bytes([19, label]) + image.transpose(2, 0, 1).tobytes()
                for image, label in zip(images, labels, strict=True)
            ]
            add(archive, f"cifar-100-binary/{split}.bin", b"".join(rows))
        for kind, text in (("fine", names), ("coarse", coarse)):
            name = f"cifar-100-binary/{kind}_label_names.txt"
            add(archive, name, text.encode())
    return path


def add(archive, name, content):
    """Puts bytes into an open tar archive."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def plain(level, mode="RGB", image_format="JPEG"):
    """A picture of one colour, told by its red: the bytes of a file."""
    image = Image.new("RGB", (56, 40), (level, 100, 0)).convert(mode)
    return encoded(image, image_format)


# The classes of the first official validation images, in that order.
SYNSETS = ["n01751748", "n09193705", "n02105855", "n04263257"]


def make_imagenet(root):
    """The two archives: four classes, 10 train and 1 test images each."""
    root.mkdir(parents=True, exist_ok=True)
    test = [noise_jpeg(i, (60, 49 + 4 * i)) for i in range(4)]
    with tarfile.open(root / "ILSVRC2012_img_val.tar", "w") as archive:
        for i, content in enumerate(test):
            add(archive, f"ILSVRC2012_val_{i + 1:08d}.JPEG", content)
    odd = {
        "n01751748_3.JPEG": test[1],  # In test as well.
        "n01751748_4.JPEG": plain(24, mode="L"),
        "n01751748_5.JPEG": plain(30, mode="CMYK"),
        "n02105855_2933.JPEG": plain(174, image_format="PNG"),  # As it was.
        "n09193705_9.JPEG": plain(114, image_format="PNG"),
        "n04263257_8.JPEG": noise_jpeg(0, (99, 99))[:4000],  # Cut short.
        "n04263257_9.JPEG": b"no picture",
    }
    with tarfile.open(root / "ILSVRC2012_img_train.tar", "w") as archive:
        for number, synset in enumerate(SYNSETS):
            stream = io.BytesIO()
            with tarfile.open(fileobj=stream, mode="w") as inner:
                for i in range(10):
                    png = synset == "n02105855" and i == 9
                    name = f"{synset}_{2933 if png else i}.JPEG"
                    level = 6 * (10 * number + i)
                    add(inner, name, odd.get(name, plain(level)))
            add(archive, f"{synset}.tar", stream.getvalue())
    return root


def lines(path, rows, end="\n"):
    """Writes a list; the last line has no end, as in some archives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(end.join(rows).encode())


def make_tiny_imagenet(root):
    """Four classes of the 200, 10 train and 3 test images each, and traps."""
    root = root / "tiny-imagenet-200"
    # Not sorted; two classes have the same first word.
    wnids = ["n03126707", "n02124075", "n02012849", "n01443537"]
    words = [
        "n00001740\tentity",
        "n01443537\tgoldfish, Carassius auratus",
        "n02012849\tcrane",
        "n02124075\tEgyptian cat",
        "n03126707\tcrane",
    ]
    lines(root / "wnids.txt", wnids)
    lines(root / "words.txt", words)
    for wnid in wnids:
        boxes = []
        for i in range(10):
            name = f"{wnid}_{i}.JPEG"
            picture(root / "train" / wnid / "images" / name)
            boxes.append(f"{name}\t0\t1\t20\t22")
        lines(root / "train" / wnid / f"{wnid}_boxes.txt", boxes)
    train = root / "train/n01443537/images"
    cut = (train / "n01443537_3.JPEG").read_bytes()[:300]
    (train / "n01443537_3.JPEG").write_bytes(cut)
    (train / "n01443537_4.JPEG").write_bytes(plain(90, mode="L"))
    annotations = []
    for i in range(12):
        picture(root / "val/images" / f"val_{i}.JPEG")
        picture(root / "test/images" / f"test_{i}.JPEG")
        annotations.append(f"val_{i}.JPEG\t{wnids[i % 4]}\t0\t32\t44\t62")
    # In train as well, and twice in test.
    copied = (root / "val/images/val_1.JPEG").read_bytes()
    (train / "n01443537_5.JPEG").write_bytes(copied)
    (root / "val/images/val_5.JPEG").write_bytes(copied)
    annotations += [
        "val_12.JPEG\tn01443537\t0\t0\t1\t1",  # absent
        "val_13.JPEG\tn99999999\t0\t0\t1\t1",  # of no class
    ]
    lines(root / "val/val_annotations.txt", annotations, "\r\n")
    return root.parent


def make_stanford40(root):
    """Three actions of the 40, 8 train and 4 test images each, and traps."""
    actions = ["applauding", "riding_a_bike", "watching_TV"]
    both = {"train": [], "test": []}
    images, lists = root / "JPEGImages", root / "ImageSplits"
    for action in actions:
        names = [f"{action}_{i:03d}.jpg" for i in range(1, 13)]
        for name in names:
            picture(images / name)
        for split, part in (("train", names[:8]), ("test", names[8:])):
            lines(lists / f"{action}_{split}.txt", part, "\r\n")
            both[split] += part
    for split, names in both.items():
        lines(lists / f"{split}.txt", names)
    counts = [f"{action}\t\t{12}" for action in actions]
    lines(lists / "actions.txt", ["action\t\tnumber of images", *counts])
    (images / "applauding_002.jpg").unlink()
    (images / "applauding_003.jpg").write_bytes(b"\xff\xd8\xff broken")
    picture(images / "riding_a_bike_001.jpg", size=(300, 400))
    shutil.copy(images / "watching_TV_012.jpg", images / "watching_TV_001.jpg")
    picture(images / "watching_TV_999.jpg")
    picture(images / "Thumbs.db")
    return root


def make_mit67(root):
    """Three scenes of the 67, 8 train and 3 test images each, and traps."""
    listed = {"Train": [], "Test": []}
    for scene in ("mall", "airport_inside", "bar"):
        for i in range(11):
            name = f"{scene}/{scene} {i:04d}.jpg"
            picture(root / "Images" / name)
            listed["Train" if i < 8 else "Test"].append(name)
        for i in range(4):
            picture(root / "Images" / scene / f"unlisted_{i}.jpg")
    images = root / "Images"
    (images / "bar/bar 0000.jpg").write_bytes(plain(50, "P", "GIF"))
    (images / "bar/bar 0001.jpg").write_bytes(plain(60, "RGBA", "PNG"))
    (images / "bar/bar 0008.jpg").write_bytes(plain(70, "RGB", "BMP"))
    (images / "mall/mall 0002.jpg").write_bytes(b"")
    shutil.copy(images / "bar/bar 0009.jpg", images / "mall/mall 0003.jpg")
    listed["Train"] += ["mall/gone.jpg", "Readme", listed["Test"][0]]
    for split, names in listed.items():
        lines(root / f"{split}Images.txt", names, "\r\n")
    return root


BIRDS = ["Black_footed_Albatross", "Laysan_Albatross", "Sooty_Albatross"]


def make_birds(root):
    """CUB-200-2011: three of the species, 8 train and 4 test images each."""
    root.mkdir(parents=True, exist_ok=True)
    names, tests, contents = [], [], {}
    for number, bird in enumerate(BIRDS, 1):
        for i in range(12):
            # The builder knows images by their names without the folders.
            names.append(f"{number:03d}.{bird}/{bird}_{i:04d}_{number}.jpg")
            tests.append(i >= 8)
            contents[names[-1]] = noise_jpeg(100 * number + i, (40, 52))
    contents[names[0]] = contents[names[-1]]  # In test as well.
    contents[names[1]] = contents[names[1]][:500]
    lists = {
        "images": names,
        "train_test_split": [str(int(not test)) for test in tests],
        "bounding_boxes": ["5.0 6.0 20.0 21.0"] * len(names),
    }
    with tarfile.open(root / "CUB_200_2011.tgz", "w:gz") as archive:
        for name, rows in lists.items():
            text = "".join(f"{i} {row}\n" for i, row in enumerate(rows, 1))
            add(archive, f"CUB_200_2011/{name}.txt", text.encode())
        for name, content in contents.items():
            add(archive, f"CUB_200_2011/images/{name}", content)
    with tarfile.open(root / "segmentations.tgz", "w:gz") as archive:
        mask = encoded(Image.new("L", (52, 40)), "PNG")
        for name in names:
            name = name.replace(".jpg", ".png")
            add(archive, f"segmentations/{name}", mask)
    return root


DOGS = [
    "n02085620-Chihuahua",
    "n02098105-soft-coated_wheaten_terrier",
    "n02116738-African_hunting_dog",
]


def make_dogs(root):
    """Stanford Dogs: three of the breeds, 8 train and 4 test images each."""
    root.mkdir(parents=True, exist_ok=True)
    listed, contents = {"train": [], "test": []}, {}
    for number, breed in enumerate(DOGS):
        for i in range(12):
            name = f"{breed}/{breed.partition('-')[0]}_{i}.jpg"
            listed["train" if i < 8 else "test"].append(name)
            contents[name] = noise_jpeg(1000 * (number + 1) + i, (40, 52))
    contents[listed["train"][0]] = plain(80, image_format="PNG")
    # The builder expects 120 breeds; these have no images here.
    listed["train"] += [f"n1{i:07d}-dog/n1{i:07d}_0.jpg" for i in range(117)]
    with tarfile.open(root / "lists.tar", "w") as archive:
        for split, names in listed.items():
            stream = io.BytesIO()
            cells = np.array(names, object)[:, None]
            scipy.io.savemat(stream, {"file_list": cells})
            add(archive, f"{split}_list.mat", stream.getvalue())
    sides = {"width": 52, "height": 40}
    corners = {"xmin": 5, "ymin": 6, "xmax": 30, "ymax": 31}
    text = "".join(f"<{k}>{v}</{k}>" for k, v in (sides | corners).items())
    with tarfile.open(root / "annotation.tar", "w") as archive:
        for name in contents:
            xml = f"<annotation>{text}</annotation>".encode()
            add(archive, f"Annotation/{name.removesuffix('.jpg')}", xml)
    with tarfile.open(root / "images.tar", "w") as archive:
        for name, content in contents.items():
            add(archive, f"Images/{name}", content)
    return root


# Those with a builder in the package.
MAKE = {
    "wikiart": make_wikiart,
    "pandora18k": make_pandora,
    "multitask_painting100k": make_painting100k,
    "tiny_imagenet": make_tiny_imagenet,
    "stanford40": make_stanford40,
    "mit67": make_mit67,
}
