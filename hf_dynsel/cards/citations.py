"""BibTeX of the methods, by the name of the class that implements them."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

AUGMENTATION = """\
@inproceedings{yang2025dynamic,
  title     = {When Dynamic Data Selection Meets Data Augmentation},
  author    = {Yang, Suorong and Ye, Peng and Shen, Furao and Zhou, Dongzhan},
  booktitle = {International Conference on Machine Learning},
  year      = {2025},
  note      = {arXiv:2505.03809}
}"""
RETHINKING = """\
@article{zhou2026rethinking,
  title   = {Rethinking Representativeness and Diversity in Dynamic Data Selection},
  author  = {Zhou, Yuzhe and Hua, Zhenglin and Guo, Haiyun and Jia, Yuheng},
  journal = {arXiv preprint arXiv:2603.04981},
  year    = {2026}
}"""
RS2 = """\
@inproceedings{okanovic2024repeated,
  title     = {Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning},
  author    = {Okanovic, Patrik and Waleffe, Roger and Mageirakos, Vasilis and
               Nikolakakis, Konstantinos and Karbasi, Amin and Kalogerias, Dionysios and
               G{\\"u}rel, Nezihe Merve and Rekatsinas, Theodoros},
  booktitle = {International Conference on Learning Representations},
  year      = {2024}
}"""
INFOBATCH = """\
@inproceedings{qin2024infobatch,
  title     = {{InfoBatch}: Lossless Training Speed Up by Unbiased Dynamic Data Pruning},
  author    = {Qin, Ziheng and Wang, Kai and Zheng, Zangwei and Gu, Jianyang and Peng, Xiangyu and
               Xu, Zhaopan and Zhou, Daquan and Shang, Lei and Sun, Baigui and Xie, Xuansong and
               You, Yang},
  booktitle = {International Conference on Learning Representations},
  year      = {2024}
}"""
SELECTIVE = """\
@article{jiang2019accelerating,
  title   = {Accelerating Deep Learning by Focusing on the Biggest Losers},
  author  = {Jiang, Angela H. and Wong, Daniel L.-K. and Zhou, Giulio and Andersen, David G. and
             Dean, Jeffrey and Ganger, Gregory R. and Joshi, Gauri and Kaminsky, Michael and
             Kozuch, Michael and Lipton, Zachary C. and Pillai, Padmanabhan},
  journal = {arXiv preprint arXiv:1910.00762},
  year    = {2019}
}"""
ENTRIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Adapters": (AUGMENTATION,),
        "Consistency": (AUGMENTATION,),
        "Density": (AUGMENTATION,),
        "DensityConsistency": (AUGMENTATION,),
        "Diversity": (RETHINKING,),
        "DynamicRandom": (RS2,),
        "InfoBatch": (INFOBATCH,),
        "RandomWithoutReplacement": (RS2,),
        "RepDiv": (RETHINKING,),
        "RepDivConsistency": (RETHINKING, AUGMENTATION),
        "Representativeness": (RETHINKING,),
        "SelectiveBackprop": (SELECTIVE,),
        "SparseAutoencoder": (RETHINKING,),
    }
)


def bibtex(names: Iterable[str]) -> str:
    """Returns the entries of classes, each once; empty if none of them is from a paper."""
    return "\n\n".join(dict.fromkeys(entry for name in names for entry in ENTRIES.get(name, ())))
